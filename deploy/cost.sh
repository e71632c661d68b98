#!/usr/bin/env bash
# What a cluster costs beside a single node with the embedded engine, in one run on one machine: text later, processor time.
#   deploy/cost.sh                              a single node, clusters of 2 and of 4 silos, one gateway each; about 10 minutes
#   CLUSTERS="2" ROUNDS=1 deploy/cost.sh
#   TURNS="--durable-turns false" deploy/cost.sh   without the saves that make turns outlive their node: SQLite on one side, PostgreSQL on the other
# Processor time is that of all nodes together; PostgreSQL's is told apart. Only ratios of one run say anything: all share the machine.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program() { echo "$here/$1/bin/Release/net10.0/CozeCluster.$(basename "$1")"; }

# The load, once a target runs. Called by this script itself, for clusters from within local-cluster.sh.
measure() { # NAME URL KEY MODEL PIDS UPSTREAM-PID [POSTGRES-PID]
  local name=$1 url=$2 key=$3 model=$4 pids=$5 upstream=$6 postgres=${7:-} round before
  local as=(--target "$name" --api openai --key "$key" --model "$model" --url "$url/v1/chat/completions" --server-pid "$pids" --upstream-pid "$upstream")
  local load
  load=$(program bench/Load)
  export DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1
  # Long enough for the compiler to have done its work on every path.
  "$load" "${as[@]}" --streams 32 --chunks 20 --seconds 5 > /dev/null
  "$load" "${as[@]}" --streams 64 --chunks 1 --seconds 5 > /dev/null
  "$load" "${as[@]}" --streams 200 --pace 50 --chunks 200 --ramp 5 --seconds 15 > /dev/null
  for ((round = 1; round <= ${ROUNDS:-3}; round++)); do
    before=$(postgres_ticks "$postgres")
    "$load" "${as[@]}" --name paced --streams 200 --pace 50 --chunks 200 --ramp 5 --warmup 2 --seconds "${SECONDS_EACH:-10}" | tee -a "$RESULTS/$name.txt"
    "$load" "${as[@]}" --name first --streams 20 --chunks 10 --stall 500 --seconds "${SECONDS_EACH:-10}" | tee -a "$RESULTS/$name.txt"
    "$load" "${as[@]}" --name single --streams 32 --chunks 1 --seconds "${SECONDS_EACH:-10}" | tee -a "$RESULTS/$name.txt"
    [[ -z $postgres ]] || echo "  PostgreSQL: $(($(postgres_ticks "$postgres") - before)) hundredths of a second of processor time in this round" | tee -a "$RESULTS/$name.txt"
  done
}
# The server's own and those of its processes, so far.
postgres_ticks() {
  [[ -n $1 ]] || { echo 0; return; }
  local pid
  for pid in "$1" $(pgrep -P "$1"); do sed 's/.*) //' "/proc/$pid/stat" 2> /dev/null || true; done | awk '{ sum += $12 + $13 + $14 + $15 } END { print sum + 0 }'
}

if [[ ${1:-} == in-cluster ]]; then
  pids=$(echo "$CLUSTER_GATEWAY_PIDS $CLUSTER_SILO_PIDS" | tr ' ' ',')
  measure "silos-$2" "${CLUSTER_GATEWAYS%% *}" "$CLUSTER_KEY" "$CLUSTER_MODEL" "$pids" "$CLUSTER_SANDBOX_PID" "$CLUSTER_POSTGRES_PID"
  exit
fi

work=$(mktemp -d)
started=()
finish() {
  local id
  for id in "${started[@]}"; do kill "$id" 2> /dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT
export RESULTS=$work/results
mkdir "$RESULTS"

dotnet build "$here/src/Silo" -c Release -p:Cluster=true -v q --nologo
dotnet build "$here/src/Sandbox" -c Release -v q --nologo
dotnet build "$here/bench/Load" -c Release -v q --nologo

# The single node: with the same build, so that the engine is all that differs.
"$(program src/Sandbox)" --urls http://127.0.0.1:22001 > "$work/sandbox.log" 2>&1 &
started+=($!)
cat > "$work/fleet.yaml" <<FLEET
tenants:
  - id: local
    keys: [{ name: user, key: key-of-the-cluster }]
accounts:
  - { id: sandbox, upstream: coze, base_url: "http://127.0.0.1:22001/coze", token: pat_sandbox }
bots:
  - { id: one, upstream: coze, bot_id: "7350000000000000001", accounts: [sandbox] }
  - { id: two, upstream: coze, bot_id: "7350000000000000002", accounts: [sandbox] }
models:
  - { id: coze-sandbox, bots: [one, two] }
FLEET
# shellcheck disable=SC2086 # one word per option
"$(program src/Silo)" --fleet "$work/fleet.yaml" --data "$work/data" --port 22002 --log-level warning ${TURNS:-} > "$work/node.log" 2>&1 &
started+=($!)
for _ in $(seq 100); do curl -fsS -o /dev/null http://127.0.0.1:22002/health/ready 2> /dev/null && break; sleep 0.2; done
measure embedded http://127.0.0.1:22002 key-of-the-cluster coze-sandbox "${started[1]}" "${started[0]}"
for id in "${started[@]}"; do kill "$id"; done
wait
started=()

for silos in ${CLUSTERS:-2 4}; do
  BUILT=1 SILOS=$silos GATEWAYS=1 LOG_LEVEL=warning NODE_OPTIONS=${TURNS:-} "$here/deploy/local-cluster.sh" "$here/deploy/cost.sh" in-cluster "$silos"
done

# Medians over rounds, as a table.
for file in "$RESULTS"/*.txt; do
  awk -v target="$(basename "$file" .txt)" '
    function median(name,   n, i, j, swap) {
      n = count[name]
      for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (value[name, j] < value[name, i]) { swap = value[name, i]; value[name, i] = value[name, j]; value[name, j] = swap }
      return n ? value[name, int((n + 1) / 2)] : "–"
    }
    function note(name, what) { value[name, ++count[name]] = what + 0 }
    /^(paced|first|single),/ { run = substr($1, 1, length($1) - 1) }
    /^  first text/ { note(run " text", $3) }
    /^  cpu/ { note(run " delta", $2); note(run " reply", $3) }
    /^  errors/ { errors += $2 }
    /^  PostgreSQL/ { note("postgres", $2) }
    END {
      if (!errors) errors = 0
      printf "| %s | %s | %s | %s | %s | %s | %d |\n", target, median("paced delta"), median("paced reply"), median("first text"), median("single reply"), median("postgres"), errors
    }' "$file"
done > "$work/rows"
echo
echo "| target | paced: CPU per delta, µs | paced: CPU per reply, µs | first text p50, ms | single: CPU per reply, µs | PostgreSQL per round, cs | errors |"
echo "|---|---:|---:|---:|---:|---:|---:|"
cat "$work/rows"
