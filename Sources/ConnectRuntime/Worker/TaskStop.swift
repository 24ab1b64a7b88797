/// Stops several tasks together within one budget of time.
package enum TaskStop {
    /// Tells all to stop, waits, and abandons those that do not.
    /// - Returns: the abandoned ones.
    package static func stop(_ tasks: [TaskHandle], milliseconds: Int, clock: any WorkerClock, logger: Logger) -> [TaskHandle] {
        for task in tasks { task.mailbox.requestStop() }
        let end = clock.monotonicNanoseconds(after: milliseconds)
        var stuck: [TaskHandle] = []
        for task in tasks {
            let now = clock.monotonicNanoseconds()
            let left = now >= end ? 0 : Int((end - now) / 1_000_000)
            if task.waitForEnd(milliseconds: left) { continue }
            task.abandon()
            let (activity, since) = task.monitor.current
            logger.with("connector", task.specification.connector.text).with("task", String(task.specification.task)).warning(
                "the task did not stop in time and is abandoned: it has been in \(activity.words) for \(since) ms; its session is fenced by the next run")
            stuck.append(task)
        }
        return stuck
    }
}
