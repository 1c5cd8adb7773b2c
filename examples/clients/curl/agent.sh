#!/usr/bin/env bash
# An estate agent's system over HTTP: asks what stands in files, and waits until each question has its
# outcome. Needs curl and jq.
#
#     INNFRI_URL=https://innfri.example INNFRI_TOKEN=innfri_… ./agent.sh ../requests
#
# Arguments     request files, or folders of them; a file's name holds its message type
# INNFRI_URL    where innfri listens
# INNFRI_TOKEN  the token of the system that asks
# AGENT_STATE   folder that keeps message ids and outcomes (agent-state)
#
# It prints lines of fields with tabs between them:
#     asked    MESSAGE-ID  FILE                   the request is in innfri's journal
#     outcome  MESSAGE-ID  STATUS-OR-TYPE  TEXT   one for each request
#     finding  MESSAGE-ID  RULE  PLACE  TEXT      what was wrong with a request
#
# Kill it and start it again: it goes on where it was, and asks nothing twice.
set -euo pipefail

if [ "$#" -eq 0 ] || [ -z "${INNFRI_URL:-}" ] || [ -z "${INNFRI_TOKEN:-}" ]; then
  sed -n '2,18s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
state="${AGENT_STATE:-agent-state}"
mkdir -p "$state"

# http OUTPUT-FILE CURL-ARGUMENT...: prints the status. curl tries again, with growing waits and
# honouring Retry-After, when a connection fails or breaks, or on 408, 429, 500, 502, 503 and 504. The
# token is given by a file handle, so that no list of processes shows it.
http() {
  local output="$1"
  shift
  curl --silent --show-error --retry 10 --retry-all-errors --max-time 60 --output "$output" \
    --write-out '%{http_code}' --config <(printf 'header = "Authorization: Bearer %s"\n' "$INNFRI_TOKEN") "$@"
}

show() { # show MESSAGE-ID CASE-FILE
  jq -r --arg id "$1" '
    def words: gsub("\\s+"; " ");
    def amounts: .laanenummer as $number
      | if .saldo then "\($number) \(.saldo)"
        else [.saldoerPerDato[] | "\($number) \(.dato) \(.beloep)"] | join(", ") end;
    .outcome | if .type == "no.dsve.status.v1" then
      (["outcome", $id, .body.statuskode, (.body.tekst | words)]),
      (.body.avvik // [] | .[] | ["finding", $id, .regel, .peker, (.tekst | words)])
    else ["outcome", $id, .type, ([.body.laanliste[] | amounts] | join("; "))] end
    | join("\t")' "$2"
}

# The id is made once and kept before it is first used: a restart asks with the same id, and the same id
# with the same content has no effect a second time.
id_of() { # id_of FILE
  local kept
  kept="$state/$(basename "$1").id"
  if [ ! -s "$kept" ]; then
    cat /proc/sys/kernel/random/uuid >"$kept.new"
    mv "$kept.new" "$kept"
  fi
  cat "$kept"
}

# Posts a request; afterwards $state/FILE.case holds the case's id.
ask() { # ask FILE MESSAGE-ID
  local name type status answer
  name="$(basename "$1")"
  type="$(grep -oE 'no\.dsve\.[a-z]+\.v[0-9]+' <<<"$name")"
  answer="$state/$name.answer"
  status="$(http "$answer" --data-binary @"$1" -H 'Content-Type: application/json' \
    -H "Innfri-Message-Type: $type" -H "Innfri-Message-Id: $2" "$INNFRI_URL/v1/messages")"
  # 202: accepted. 422: not accepted; the case exists, and its outcome is the status with all findings.
  if { [ "$status" != 202 ] && [ "$status" != 422 ]; } || ! jq -er .caseId "$answer" >"$state/$name.case.new"; then
    echo "$name: $status: $(jq -r '.detail // .title' "$answer")" >&2
    return 1
  fi
  mv "$state/$name.case.new" "$state/$name.case"
  printf 'asked\t%s\t%s\n' "$2" "$name"
}

# Waits for a case's outcome: one request after the other, each of which innfri holds open for 30 s.
await() { # await FILE
  local name status
  name="$(basename "$1")"
  until status="$(http "$state/$name.new" "$INNFRI_URL/v1/cases/$(cat "$state/$name.case")?wait=30s")" &&
    [ "$status" = 200 ] && [ "$(jq -r .state "$state/$name.new")" = settled ]; do
    [ "$status" = 200 ] || { echo "$name: $status; again in 5 s" >&2; sleep 5; }
  done
  mv "$state/$name.new" "$state/$name.outcome"
  # An agent with a mailbox finds the outcome there too: what was read here need not be collected.
  http /dev/null -X POST \
    "$INNFRI_URL/v1/mailbox/$(jq -r .outcome.messageId "$state/$name.outcome")/ack" >/dev/null || true
}

files=()
for argument in "$@"; do
  if [ -d "$argument" ]; then files+=("$argument"/*.json); else files+=("$argument"); fi
done
failed=0
for file in "${files[@]}"; do
  [ -s "$state/$(basename "$file").outcome" ] || ask "$file" "$(id_of "$file")" || failed=1
done
for file in "${files[@]}"; do
  name="$(basename "$file")"
  [ -s "$state/$name.outcome" ] || { [ -s "$state/$name.case" ] && await "$file"; } || continue
  show "$(id_of "$file")" "$state/$name.outcome"
done
exit "$failed"
