-- What `scripts/bench` sends by wrk. Arguments: a kind of read, a file of visitor tokens, a key.
--   new     every request is a visitor never seen before
--   next    known visitors read a further article each time
--   reread  known visitors read an article again
--   reader  known readers read an article again, each in a browser of their own
--   denied  known visitors at their limit ask for another article
local kind, tokens, key, at, thread_count = nil, {}, nil, 0, 0
local threads = {}

function setup(thread)
  thread_count = thread_count + 1
  thread:set("id", thread_count)
  table.insert(threads, thread)
end

function init(args)
  kind, key = args[1], args[3]
  if kind ~= "new" then
    for line in io.lines(args[2]) do tokens[#tokens + 1] = line end
    -- Threads start at different visitors.
    at = math.floor(#tokens / 2) * (id - 1)
  end
  wrk.method = "POST"
  wrk.path = "/v1/access"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. key
end

local round = 0

function request()
  if kind == "new" then
    return wrk.format(nil, nil, nil, '{"article": {"id": "a1"}, "visitor": null}')
  end
  at = at + 1
  if at > #tokens then at, round = 1, round + 1 end
  local article = "a1"
  if kind == "denied" then article = "other" end
  if kind == "next" then article = "next-" .. id .. "-" .. round end
  local visitor, reader = tokens[at]:match("^(%S+) ?(%S*)$")
  local who = '"visitor": "' .. visitor .. '"'
  if reader ~= "" then who = who .. ', "reader": "' .. reader .. '"' end
  return wrk.format(nil, nil, nil, '{"article": {"id": "' .. article .. '"}, ' .. who .. '}')
end

function done(summary, latency, requests)
  io.write(string.format("RESULT requests=%d seconds=%.6f errors=%d p50_ms=%.3f p99_ms=%.3f\n",
    summary.requests, summary.duration / 1e6,
    summary.errors.status + summary.errors.connect + summary.errors.read
      + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
