"""Says of each message whether it fits its schema, by the Python library jsonschema.

Reads `{"name","schema","message"}` a line (the paths of two files), writes `{"name","valid"}` a line.
Run by tests/validators.rs with the Python of the folder that `prepare` filled.
"""

import json
import sys
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator

FORMATS = Draft202012Validator.FORMAT_CHECKER
# Without rfc3339-validator the library leaves this format unchecked, and says nothing.
assert "date-time" in FORMATS.checkers, "date-time is not checked: rfc3339-validator is missing"


def read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


@cache
def validator_of(path):
    schema = read(path)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FORMATS)


for line in sys.stdin:
    case = json.loads(line)
    valid = validator_of(case["schema"]).is_valid(read(case["message"]))
    print(json.dumps({"name": case["name"], "valid": valid}))
