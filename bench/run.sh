#!/usr/bin/env bash
# Measures the cost of a node: sends the same load directly to the sandbox, through a bare proxy, and through a node, in turns.
#   bench/run.sh            everything, about 15 minutes
#   ROUNDS=1 SECONDS_EACH=5 bench/run.sh
#   RUNS="paced single" TARGETS="proxy node" bench/run.sh
#   NODE_ENV="DOTNET_gcServer=1" bench/run.sh         sets an environment variable of the node only
#   TARGETS="volatile node" bench/run.sh              the cost of durable turns, compared with a node without them
#   TARGETS="node charged" bench/run.sh               the cost of limits, budgets and prices, compared with a node without them
# Prints a table; a complete run also writes it to bench/README.md. Starts its own processes on loopback and ends them.
set -euo pipefail
cd "$(dirname "$0")/.."

ROUNDS=${ROUNDS:-3}
SECONDS_EACH=${SECONDS_EACH:-10}
RUNS=${RUNS:-"paced saturated first single idle"}
TARGETS=${TARGETS:-"direct proxy node"}
PORT_SANDBOX=${PORT_SANDBOX:-27078}
PORT_PROXY=${PORT_PROXY:-27079}
PORT_NODE=${PORT_NODE:-27077}
PORT_VOLATILE=${PORT_VOLATILE:-27076}
PORT_CHARGED=${PORT_CHARGED:-27075}
IDLE_STREAMS=${IDLE_STREAMS:-5000}
NODE_ENV=${NODE_ENV:-}

# A server needs 10,000 sockets for 5,000 streams.
ulimit -n "$(ulimit -Hn)"

work=$(mktemp -d)
declare -A pid
stop() {
  local name=$1
  if [[ -n "${pid[$name]:-}" ]]; then
    kill "${pid[$name]}" 2>/dev/null || true
    wait "${pid[$name]}" 2>/dev/null || true
    unset "pid[$name]"
  fi
}
finish() {
  for name in "${!pid[@]}"; do stop "$name"; done
  rm -rf "$work"
}
trap finish EXIT

projects="src/Sandbox bench/PassThrough bench/Load"
if [[ $TARGETS == *node* || $TARGETS == *volatile* || $TARGETS == *charged* ]]; then projects+=" src/Silo"; fi
for project in $projects; do
  dotnet build "$project" -c Release -v q --nologo
done
program() { echo "$1/bin/Release/net10.0/CozeCluster.$(basename "$1")"; }

cat > "$work/fleet.yaml" <<FLEET
tenants:
  - id: bench
    keys:
      - name: bench
        key: key-of-the-bench
accounts:
  - id: sandbox
    upstream: coze
    base_url: http://127.0.0.1:$PORT_SANDBOX/coze
    token: pat_sandbox
bots:
  - id: one
    upstream: coze
    bot_id: 7350000000000000001
    accounts: [sandbox]
  - id: two
    upstream: coze
    bot_id: 7350000000000000002
    accounts: [sandbox]
models:
  - id: coze-sandbox
    bots: [one, two]
FLEET
# Every kind of limit, none of which is reached.
minute="requests_per_minute: 100000000, tokens_per_minute: 100000000000"
budget="{ requests: 100000000000, tokens: 100000000000, credits: 1000000000 }"
sed -e "s/^  - id: bench/&\n    max_concurrent_turns: 1000000\n    limits: { $minute, daily: $budget, monthly: $budget }/" \
  -e "s/^        key: .*/&\n        limits: { $minute, max_concurrent_turns: 1000000, daily: $budget, monthly: $budget }/" \
  -e "s/^    bots: .*/&\n    price: { input: 2, output: 3, request: 1 }/" "$work/fleet.yaml" > "$work/fleet-charged.yaml"

start() {
  # exec replaces the shell, so that $! is the process id of the program.
  case $1 in
    sandbox) PORT=$PORT_SANDBOX exec "$(program src/Sandbox)" ;;
    proxy) exec "$(program bench/PassThrough)" "$PORT_PROXY" "http://127.0.0.1:$PORT_SANDBOX/coze/v3/chat" ;;
    # shellcheck disable=SC2086
    node) exec env $NODE_ENV "$(program src/Silo)" --fleet "$work/fleet.yaml" --data "$work/data" --port "$PORT_NODE" --log-level warning ;;
    volatile) exec env $NODE_ENV "$(program src/Silo)" --fleet "$work/fleet.yaml" --data "$work/data-volatile" --port "$PORT_VOLATILE" --log-level warning --durable-turns false ;;
    # shellcheck disable=SC2086
    charged) exec env $NODE_ENV "$(program src/Silo)" --fleet "$work/fleet-charged.yaml" --data "$work/data-charged" --port "$PORT_CHARGED" --log-level warning ;;
  esac > "$work/$1.log" 2>&1 &
  pid[$1]=$!
  for _ in $(seq 100); do
    if (exec 3<> "/dev/tcp/127.0.0.1/$(port "$1")") 2>/dev/null; then return; fi
    if ! kill -0 "${pid[$1]}" 2>/dev/null; then break; fi
    sleep 0.2
  done
  echo "$1 did not start:" >&2
  cat "$work/$1.log" >&2
  return 1
}
port() { case $1 in sandbox | direct) echo "$PORT_SANDBOX" ;; proxy) echo "$PORT_PROXY" ;; node) echo "$PORT_NODE" ;; volatile) echo "$PORT_VOLATILE" ;; charged) echo "$PORT_CHARGED" ;; esac; }

# load TARGET OPTIONS…: with all targets, the sandbox does the same work.
load() {
  local target=$1 server=$1
  shift
  local endpoint=(--api coze --key pat_sandbox --url "http://127.0.0.1:$(port "$target")/v1/chat/completions")
  if [[ $target == direct ]]; then
    server=sandbox
    endpoint=(--api coze --key pat_sandbox --url "http://127.0.0.1:$PORT_SANDBOX/coze/v3/chat")
  elif [[ $target == node || $target == volatile || $target == charged ]]; then
    endpoint=(--api openai --key key-of-the-bench --model coze-sandbox --url "http://127.0.0.1:$(port "$target")/v1/chat/completions")
  fi
  # The load generator handles data on the thread that receives it, which costs less than a change of threads.
  DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1 "$(program bench/Load)" \
    --target "$target" "${endpoint[@]}" --server-pid "${pid[$server]}" --upstream-pid "${pid[sandbox]}" "$@"
}

run() {
  local name=$1 target=$2 round=$3
  local result=(--name "$name" --json "$work/results/$name-$target-$round.json")
  case $name in
    # Replies of 10 s that begin evenly over 10 s.
    paced) load "$target" "${result[@]}" --streams 1000 --pace 50 --chunks 200 --ramp 10 --warmup 2 --seconds $((SECONDS_EACH * 2)) ;;
    saturated) load "$target" "${result[@]}" --streams 32 --chunks 500 --seconds "$SECONDS_EACH" ;;
    first) load "$target" "${result[@]}" --streams 200 --chunks 10 --stall 500 --seconds "$SECONDS_EACH" ;;
    single) load "$target" "${result[@]}" --streams 64 --chunks 1 --seconds "$SECONDS_EACH" ;;
    # The server is restarted, because memory that it already has would hide the memory of the streams.
    idle)
      if [[ $target == direct ]]; then return; fi
      stop "$target"
      start "$target"
      load "$target" --streams 32 --chunks 20 --seconds 3 > /dev/null
      load "$target" "${result[@]}" --streams "$IDLE_STREAMS" --chunks 2 --hold --ramp 10 --warmup 1 --seconds 20
      ;;
  esac
}

mkdir "$work/results"
start sandbox
for target in $TARGETS; do if [[ $target != direct ]]; then start "$target"; fi; done
# Warm up until the compiler has optimized every path.
for target in $TARGETS; do
  load "$target" --streams 1 --chunks 20 --seconds 1 > "$work/first.txt" || { cat "$work/first.txt"; exit 1; }
  load "$target" --streams 32 --chunks 20 --seconds 10 > /dev/null || true
  load "$target" --streams 64 --chunks 1 --seconds 5 > /dev/null || true
done

for round in $(seq "$ROUNDS"); do
  for name in $RUNS; do
    for target in $TARGETS; do run "$name" "$target" "$round" || echo "(with errors)"; done
  done
done

"$(program bench/Load)" table "$work/results" > "$work/table.md" || true
cat "$work/table.md"
if [[ -n "${KEEP:-}" ]]; then cp -r "$work/results" "$KEEP"; fi
if [[ "$RUNS" == "paced saturated first single idle" && "$TARGETS" == "direct proxy node" ]]; then
  awk -v table="$work/table.md" '
    /<!-- table -->/ { print; print ""; while ((getline line < table) > 0) print line; print ""; skip = 1; next }
    /<!-- end of table -->/ { skip = 0 }
    !skip' bench/README.md > "$work/README.md"
  cp "$work/README.md" bench/README.md
fi
