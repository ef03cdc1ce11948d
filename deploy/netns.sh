#!/bin/bash
# netns.sh PROGRAM [FOLDER]: follows README.md to the letter, with a network namespace for
# each of the three hosts, then cuts one host off, heals it, and compares the chains.
# PROGRAM is a built omega-check; FOLDER, absent or empty, keeps what the hosts have.
# Needs root, ip, curl, openssl and python3. It touches nothing outside of its namespaces.
set -euo pipefail

program=$(realpath "${1:?usage: netns.sh PROGRAM [FOLDER]}")
work=$(realpath -m "${2:-$(mktemp -d)}")
here=$(dirname "$(realpath "$0")")
tag=omega$$
members=(paris tokyo lima oslo)
declare -A host=([paris]=paris [tokyo]=tokyo [lima]=lima [oslo]=lima)
declare -A address=([paris]=10.77.0.1 [tokyo]=10.77.0.2 [lima]=10.77.0.3)
declare -A said # what a member's blocks without commands have set
running=()

finish() {
  for pid in "${running[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  for h in "${!address[@]}"; do ip netns del "$tag-$h" 2>/dev/null || true; done
  ip netns del "$tag-wire" 2>/dev/null || true
}
trap finish EXIT

say() { printf '\n== %s\n' "$*"; }

# The hosts, on one wire.
wire() {
  ip netns add "$tag-wire"
  ip -n "$tag-wire" link add wire type bridge
  ip -n "$tag-wire" link set wire up
  for h in "${!address[@]}"; do
    ip netns add "$tag-$h"
    ip -n "$tag-$h" link add eth type veth peer name "$h" netns "$tag-wire"
    ip -n "$tag-$h" addr add "${address[$h]}/24" dev eth
    ip -n "$tag-$h" link set lo up
    ip -n "$tag-$h" link set eth up
    ip -n "$tag-wire" link set "$h" master wire up
  done
}

# What stands for copying between hosts.
prelude() {
  cat <<END
set -euo pipefail
cd "$work/$1"
PATH="$work/bin:\$PATH"
scp() { local to=\${!#}; cp "\${@:1:\$#-1}" "$work/\${to%:}/"; }
${said[$1]:-}
END
}

# on MEMBER TEXT runs a block as the member's user would.
on() { ip netns exec "$tag-${host[$1]}" bash -c "$(prelude "$1")
$2"; }

# block WHERE TEXT runs one box of README.md.
block() {
  local where=$1 text=$2 run=false seats=()
  for word in $where; do
    case $word in
      each) seats=("${members[@]}") ;;
      run) run=true ;;
      *) seats+=("$word") ;;
    esac
  done
  for m in "${seats[@]}"; do
    printf -- '-- %s\n' "$m"
    if [[ $text =~ ^NAME= ]]; then
      said[$m]=$text
    elif $run; then
      ip netns exec "$tag-${host[$m]}" bash -c "$(prelude "$m")
exec $text" >"$work/$m/out-${text:12:5}" 2>"$work/$m/log-${text:12:5}" &
      running+=($!)
    else
      on "$m" "$text"
    fi
  done
}

# follow runs the boxes of README.md whose line says where, in their order.
follow() {
  local line where='' text='' inside=false
  while IFS= read -r line <&3; do
    if $inside && [[ $line == '```' ]]; then
      inside=false
      printf '%s\n' "$text"
      block "$where" "$text"
    elif $inside; then
      text+=$line$'\n'
    elif [[ $line =~ ^'```sh '(.+)$ ]]; then
      inside=true where=${BASH_REMATCH[1]} text=''
      printf '\n[%s]\n' "$where"
    elif [[ $line == '#'* ]]; then
      say "${line##*# }"
    fi
  done 3<"$here/README.md"
}

heads() { for m in "${members[@]}"; do on "$m" "omega-check audit --data \$NAME --genesis $genesis --json" | python3 -c 'import json,sys; r=json.load(sys.stdin); print(r["ok"], r["certificates"], r["events"], r["head"])'; done; }

metric() { on "$1" "curl --silent http://127.0.0.1:$2/metrics" | awk -v name="$3" '$1 == name {print $2}'; }

# until_equal SECONDS EVENTS waits until all members have certified so many events.
until_equal() {
  local end=$((SECONDS + $1))
  while ((SECONDS < end)); do
    if [[ $(heads | sort -u | awk '{print $1, $3}') == "True $2" ]]; then return; fi
    sleep 0.5
  done
  heads
  echo "the members do not come to $2 events" >&2
  exit 1
}

publish_at() { # MEMBER EVENTS: from there to its server, as README.md does it
  local from=$((RANDOM * 100))
  on tokyo "seq $from $((from + $2 - 1)) | python3 publish.py 10.77.0.2 4222 sensor.crt sensor.key clients.crt $genesis" | tail -1
}

mkdir -p "$work/bin"
for m in "${members[@]}"; do mkdir -p "$work/$m"; done
ln -sf "$program" "$work/bin/omega-check"
cp "$here/publish.py" "$work/tokyo/"
python3 - "$work/tokyo/demo.omega" <<'END'
import struct, sys

def crc32c(b):
    c = 0xFFFFFFFF
    for x in b:
        c ^= x
        for _ in range(8):
            c = c >> 1 ^ (0x82F63B78 if c & 1 else 0)
    return c ^ 0xFFFFFFFF

head = b"OMEGALOG" + struct.pack(">HHI12x", 1, 0, 2)
out = head + struct.pack(">I", crc32c(head))
for n in range(1, 101):
    body = struct.pack(">QIH14s", n, 2, 0, n.to_bytes(14, "big")) + struct.pack(">iHI", n, 0, 2) + b"hi"
    size = struct.pack(">I", len(body))
    out += size + struct.pack(">I", crc32c(size + body)) + body
open(sys.argv[1], "wb").write(out)
END

wire
follow
genesis=$(on paris 'omega-check audit --data $NAME --json' | python3 -c 'import json,sys; print(json.load(sys.stdin)["genesis"])')

say "all members have the 120 events"
until_equal 30 120
heads

say "one host is cut off: lima, with oslo beside it"
ip -n "$tag-wire" link set lima down
sleep 12
publish_at tokyo 50
sleep 5
on paris 'curl --silent --include http://127.0.0.1:8642/readyz; curl --silent http://127.0.0.1:8642/status' | tail -1 | python3 -c 'import json,sys; r=json.load(sys.stdin); print("paris at height", r["height"], "waits for", r["missing"], "with", r["pending_events"], "events")'
heads

say "healed"
began=$SECONDS
ip -n "$tag-wire" link set lima up
until_equal 60 170
echo "all equal $((SECONDS - began)) s after the wire is whole"
heads

say "a stranger, without a certificate that the engine trusts"
on oslo 'openssl req -x509 -newkey ed25519 -nodes -keyout stranger.key -out stranger.crt -days 1 -subj /CN=stranger 2>/dev/null
  omega-check watch --input genesis.cert --nats tls://10.77.0.1:4222 --tls-ca clients.crt --tls-cert stranger.crt --tls-key stranger.key --count 1 2>&1 & sleep 3; kill $!; wait' || true
echo "strangers that paris has refused: $(metric paris 8642 omega_engine_strangers_total)"

say "what the subscriber on lima has seen"
tail -3 "$work/lima/out-watch"
echo "logs and folders: $work"
