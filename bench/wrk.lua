-- wrk sends the requests of a file that `python -m bench requests` wrote, each once:
--
--   wrk -t1 -c64 -d60s --latency -s bench/wrk.lua http://127.0.0.1:PORT -- FILE
--
-- It stops when all were sent. One thread reads one file; for more threads give each its own: -- FILE1 FILE2

local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("number", threads)
end

function init(arguments)
    local file = assert(io.open(assert(arguments[number], "one FILE a thread"), "rb"))
    requests = {}
    while true do
        local head = file:read(8)
        if not head then break end
        local a, b, c, d = head:byte(5, 8)
        requests[#requests + 1] = file:read(a + 256 * (b + 256 * (c + 256 * d)))
    end
    file:close()
    sent, answered = 0, 0
    statuses = {}
end

function request()
    sent = math.min(sent + 1, #requests)
    return requests[sent]
end

function response(status)
    answered = answered + 1
    statuses[status] = (statuses[status] or 0) + 1
    if answered >= #requests then wrk.thread:stop() end
end
