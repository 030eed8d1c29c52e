-- What wrk sends and what it reports. Arguments: method, file, first number, file of headers ("Name: value" lines;
-- not on the command line, where every user of the machine could read the credentials in them).
-- GET: the file holds one path a line; they are sent in turn. POST: the file holds the path in its first line and the
-- body in its second, in which every "@@" becomes a number that was never sent before.
local paths, pieces, sent, number = {}, {}, 0, 0

local function cut(body)
  local from = 1
  while true do
    local at = body:find("@@", from, true)
    if not at then break end
    pieces[#pieces + 1] = body:sub(from, at - 1)
    pieces[#pieces + 1] = ""
    from = at + 2
  end
  pieces[#pieces + 1] = body:sub(from)
end

function init(arguments)
  wrk.method = arguments[1]
  number = tonumber(arguments[3])
  for line in io.lines(arguments[4]) do
    local name, value = line:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  local lines = {}
  for line in io.lines(arguments[2]) do lines[#lines + 1] = line end
  if wrk.method == "GET" then
    paths = lines
  else
    wrk.headers["Content-Type"] = "application/json"
    paths = { lines[1] }
    cut(lines[2])
  end
end

function request()
  sent = sent + 1
  if wrk.method == "GET" then return wrk.format(nil, paths[(sent - 1) % #paths + 1]) end
  for place = 2, #pieces, 2 do
    number = number + 1
    pieces[place] = tostring(number)
  end
  return wrk.format(nil, paths[1], nil, table.concat(pieces))
end

function done(summary, latency)
  local wrong = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"microseconds":%d,"bytes":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.bytes, wrong.status,
    wrong.connect + wrong.read + wrong.write + wrong.timeout, latency:percentile(50), latency:percentile(99)))
end
