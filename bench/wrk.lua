-- wrk sends the requests of a file that `python -m bench requests` wrote, each once:
--
--   wrk -t1 -c64 -d10s --latency -s bench/wrk.lua http://127.0.0.1:PORT -- FILE
--
-- The file must last for the whole duration: wrk divides by it, however early all were sent. One thread reads one
-- file; for more threads give each its own: -- FILE1 FILE2

local threads = {}

function setup(thread)
    threads[#threads + 1] = thread
    thread:set("number", #threads)
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
    sent, answered, accepted = 0, 0, 0
end

function request()
    sent = math.min(sent + 1, #requests)
    return requests[sent]
end

function response(status)
    answered = answered + 1
    if status == 201 then accepted = accepted + 1 end
    if answered >= #requests then wrk.thread:stop() end
end

function done()
    local answered, accepted = 0, 0
    for _, thread in ipairs(threads) do
        answered = answered + thread:get("answered")
        accepted = accepted + thread:get("accepted")
    end
    print(string.format("  %d answers, %d of them 201", answered, accepted))
end
