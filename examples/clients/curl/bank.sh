#!/usr/bin/env bash
# A bank's back-end over HTTP: polls its mailbox and answers from a small table of loans. Needs curl and jq.
#
#     INNFRI_URL=https://innfri.example INNFRI_TOKEN=innfri_… ./bank.sh ../loans.json
#
# Argument      the table: who we are, and what is known of each property
# INNFRI_URL    where innfri listens
# INNFRI_TOKEN  the token of the bank's system
# BANK_STATE    folder that keeps answers to be corrected (bank-state)
# BANK_SECONDS  how long the bank takes over each request (0), so that you can kill it meanwhile
#
# It prints lines of fields with tabs between them:
#     working   REQUEST-ID  TYPE                       a request has come
#     answered  REQUEST-ID  ANSWER-ID  STATUS-OR-TYPE  the answer is in innfri's journal
#     rejected  ANSWER-ID  RULES  TEXT                 innfri did not accept an answer, and why
#
# A loan with `wrongAccountFirst` is first answered with that account, to show what then happens.
# Kill it and start it again: what it had not acknowledged comes again when its lease is over, and gets the
# same answer. The directory must have `handler = "mailbox"` for the bank.
set -euo pipefail

if [ "$#" -ne 1 ] || [ -z "${INNFRI_URL:-}" ] || [ -z "${INNFRI_TOKEN:-}" ]; then
  sed -n '2,20s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
loans="$1"
state="${BANK_STATE:-bank-state}"
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

# A UUID (version 5) that follows from another and a name: the same request always gets the same answer
# id, so that innfri drops what we say twice.
derive() { # derive UUID NAME
  local bytes hash
  bytes="$(sed 's/-//g; s/../\\x&/g' <<<"$1")"
  hash="$({ printf '%b' "$bytes"; printf '%s' "$2"; } | sha1sum)"
  printf '%s-%s-5%s-%x%s-%s\n' "${hash:0:8}" "${hash:8:4}" "${hash:13:3}" \
    $((0x${hash:16:1} & 3 | 8)) "${hash:17:3}" "${hash:20:12}"
}

# What the table says to a request (a mailbox message on stdin): {type, body, wrongAccount}.
answer() {
  jq -c --slurpfile book "$loans" '
    $book[0] as {$bank, $properties}
    | def key: if .matrikkel then .matrikkel | "\(.kommunenummer)/\(.gaardsnummer)/\(.bruksnummer)"
        elif .borettsandel then .borettsandel | "\(.organisasjonsnummer)/\(.andelsnummer)"
        else "" end;
      .type as $asked | .body as $request
    | $request.registerenheterMedHjemmelshavere as $units
    | [$units[] | select($properties[key])] as $known
    | [$known[] | $properties[key]] as $rows
    | ($request.avsender | {id, foretaksnavn, referanse}) as $asker
    | ($rows[0].sak // "UKJENT") as $sak
    | (if $rows == [] then
        {statuskode: "FEIL", aarsak: "FEIL_PANTHAVER", tekst: "Vi har ikke pant i denne eiendommen."}
      else [$rows[].status // empty][0] end) as $status
    | if $status then
        {type: "no.dsve.status.v1", wrongAccount: null, body: ({
          avsender: {id: $bank.id, referanse: $sak},
          mottaker: ($asker | del(.foretaksnavn))} + $status)}
      else
        # Only borrowers who own the property may be named; that there are others may be said.
        [$units[].hjemmelshavere[].person // empty | "\(.fornavn) \(.etternavn)"] as $owners
        | {type: ($asked | sub("forespoersel"; "svar")), wrongAccount: $rows[0].wrongAccountFirst, body: ({
            avsender: ($bank + {referanse: $sak}),
            mottaker: $asker,
            laanliste: [$rows[].loans[] | . as $loan
              | [.laantakere[] | select(IN($owners[]))] as $named
              | {laantakerIkkeHjemmelshaver: (($named | length) < (.laantakere | length)),
                  transporterklaering: false, laanenummer, kontonummer, kidnummer,
                  laantakereHjemmelshaver: $named}
              + if $request.innfrielsesdatoer then
                  {saldoerPerDato: [$request.innfrielsesdatoer[] | {beloep: $loan.innfrielse, dato: .}]}
                else {rammelaan: false, fastrente: false, realkausjon: false, saldo: $loan.saldo} end],
            registerenheterMedDokumentreferanser: [$known[] | $properties[key] as $row
              | del(.hjemmelshavere) + {pantedokumentreferanser: $row.pantedokumentreferanser}],
            panterettSlettesVedInnfrielse: true}
          + if $request.innfrielsesdatoer then {} else {sperretForVidereOpplaan: true} end)}
      end'
}

# Posts an answer ({type, body}): 202, or 422 with all findings, which also come as a rejection.
send() { # send REQUEST-ID ANSWER-ID ANSWER
  local status type
  type="$(jq -r .type <<<"$3")"
  status="$(jq -c .body <<<"$3" | http "$state/.answer" --data-binary @- -H 'Content-Type: application/json' \
    -H "Innfri-Message-Type: $type" -H "Innfri-Message-Id: $2" -H "Innfri-Correlation-Id: $1" \
    "$INNFRI_URL/v1/messages")"
  case "$status" in
    202 | 422) printf 'answered\t%s\t%s\t%s\n' "$1" "$2" "$(jq -r '.body.statuskode // .type' <<<"$3")" ;;
    *) echo "$status: $(jq -r '.detail // .title' "$state/.answer")" >&2; return 1 ;;
  esac
}

on_request() { # on_request MESSAGE
  local id reply right answer_id
  id="$(jq -r .messageId <<<"$1")"
  printf 'working\t%s\t%s\n' "$id" "$(jq -r .type <<<"$1")"
  sleep "${BANK_SECONDS:-0}"
  reply="$(answer <<<"$1")" || return 1
  answer_id="$(derive "$id" answer)"
  if [ "$(jq -r '.wrongAccount // ""' <<<"$reply")" ]; then
    jq -c --arg request "$id" '. + {request: $request}' <<<"$reply" >"$state/.correction"
    mv "$state/.correction" "$state/$answer_id" || return 1
    reply="$(jq -c '.body.laanliste[0].kontonummer = .wrongAccount' <<<"$reply")"
  fi
  send "$id" "$answer_id" "$reply"
}

# A rejection says everything that was wrong with an answer; a person would look.
on_message() { # on_message MESSAGE
  local rejected request
  rejected="$(jq -r '.correlationId // ""' <<<"$1")"
  jq -r '["rejected", .correlationId, ([.body.avvik[]?.regel] | join(",")), (.body.tekst | gsub("\\s+"; " "))]
    | join("\t")' <<<"$1"
  if [ -n "$rejected" ] && [ -s "$state/$rejected" ]; then
    request="$(jq -r .request "$state/$rejected")"
    send "$request" "$(derive "$request" correction)" "$(cat "$state/$rejected")" || return 1
    rm "$state/$rejected"
  fi
}

while true; do
  status="$(http "$state/.mailbox" "$INNFRI_URL/v1/mailbox?wait=20s&max=10")" || status=000
  if [ "$status" != 200 ]; then
    echo "mailbox: $status; again in 5 s" >&2
    sleep 5
    continue
  fi
  while read -r message; do
    id="$(jq -r .id <<<"$message")"
    if [ "$(jq -r .purpose <<<"$message")" = request ]; then handle=on_request; else handle=on_message; fi
    # Acknowledged only after the work is done; otherwise it comes again. Ten should be done within a lease
    # (60 s): later, a second copy of this program would get them too, and give the same answers.
    if "$handle" "$message"; then
      http /dev/null -X POST "$INNFRI_URL/v1/mailbox/$id/ack" >/dev/null || true
    else
      http /dev/null -X POST -H 'Content-Type: application/json' -d '{"retryAfter":"30s"}' \
        "$INNFRI_URL/v1/mailbox/$id/nack" >/dev/null || true
    fi
  done < <(jq -c '.messages[]' "$state/.mailbox")
done
