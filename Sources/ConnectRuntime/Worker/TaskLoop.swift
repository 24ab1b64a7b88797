/// The life of a task's thread: run it, and when it failed for a reason that may pass, wait and run it anew from the last durable position.
struct TaskLoop {
    let handle: TaskHandle
    let parts: WorkerParts

    func run() {
        let specification = handle.specification
        let logger = parts.logger.with("connector", specification.connector.text).with("task", String(specification.task))
        var backoff = Backoff(longest: parts.settings.longestBackoffMilliseconds)
        while !handle.mailbox.read().stop {
            do {
                try runOnce(logger) { backoff.reset() }
                break
            } catch {
                let error = ConnectError(error)
                if handle.isAbandoned {
                    logger.info("a former run of this task, given up before, has ended (\(error.message))")
                    return
                }
                switch error.kind {
                case .fenced:
                    logger.info("another run of this task has taken over; this one ends (\(error.message))")
                    handle.report(.unassigned)
                    return
                case .retriable:
                    let wait = backoff.next()
                    handle.metrics.retries.add()
                    logger.warning("the task starts again in \(wait) ms (failure \(backoff.attempts) in a row)", error: error)
                    handle.monitor.setNote("\(error.message) (try \(backoff.attempts + 1) in \(Self.seconds(wait)))")
                    handle.monitor.enter(.backingOff)
                    handle.reportUnstarted()
                    TaskLoop.sleep(wait, handle.mailbox, parts.clock)
                case .data, .configuration, .fatal:
                    logger.error("the task failed", error: error)
                    handle.monitor.setNote(nil)
                    handle.report(.failed, error: error)
                    return
                }
            }
        }
        handle.report(.unassigned)
    }

    private func runOnce(_ logger: Logger, whenItWorks: () -> Void) throws {
        switch handle.specification.plugin.factory {
        case .source(let make): try SourceRunner(handle: handle, parts: parts, logger: logger).run(make().makeTask(), whenItWorks)
        case .sink(let make): try SinkRunner(handle: handle, parts: parts, logger: logger).run(make().makeTask(), whenItWorks)
        case .transform, .predicate, .converter:
            throw ConnectError(.configuration, code: "config.not_a_connector", "\(handle.specification.plugin.className) is no connector")
        }
    }

    /// Waits so long, or until the task is to stop; other orders do not shorten it.
    static func sleep(_ milliseconds: Int, _ mailbox: TaskMailbox, _ clock: any WorkerClock) {
        let end = clock.monotonicNanoseconds(after: milliseconds)
        while !mailbox.read().stop {
            let now = clock.monotonicNanoseconds()
            if now >= end { return }
            _ = clock.sleep(milliseconds: Int((end - now + 999_999) / 1_000_000), wake: mailbox.wakeUp)
        }
    }

    static func seconds(_ milliseconds: Int) -> String {
        milliseconds < 1000 ? "\(milliseconds) ms" : "\((milliseconds + 500) / 1000) s"
    }
}
