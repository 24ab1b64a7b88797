internal import Glibc
internal import Synchronization

/// A second thread beside a task's own, for work that is cut into portions and whose order matters only when it is collected: the helper
/// works off the last ones while the task's thread is busy elsewhere or works off the first, and what neither has begun is anybody's.
///
/// It decides nothing: whatever it cannot do it leaves to the task's thread, which meets the same error again where the error policy applies.
/// A helper that could not be started, that gave up or that is stopped does nothing, and everything is the task's.
///
/// All methods are called on the task's thread. `@unchecked Sendable`: what both threads use lies in the mutex; the rest is set once.
package final class HelperThread<Portion: Sendable, Outcome: Sendable>: @unchecked Sendable {
    /// What the helper does, made and used on its thread and dropped there.
    package struct Work {
        let perform: (Portion) -> Outcome
        let close: () -> Void
        package init(perform: @escaping (Portion) -> Outcome, close: @escaping () -> Void = {}) {
            self.perform = perform
            self.close = close
        }
    }

    private enum Place {
        case open
        /// Being done, or to be done, by the task's thread; or collected.
        case taken
        case working
        case done(Outcome)
    }
    private struct State {
        var portions: [Portion] = []
        var places: [Place] = []
        /// Counts the lists: an outcome of an earlier one is not wanted any more.
        var round = 0
        /// The next portion for the helper, −1 where none is left.
        var next = -1
        /// What is to be freed.
        var spent: (any Sendable)?
        var isStopped = false
    }
    private let state = Mutex(State())
    private let condition = ThreadCondition()
    private let name: String
    private let make: @Sendable () throws -> Work
    private let patienceMilliseconds: Int
    private var isStarted = false
    private var isHolding = false

    /// - Parameters:
    ///   - patienceMilliseconds: a portion that the helper has not done by then is left to the task's thread, and the helper is not asked again.
    ///   - make: called once, on the helper's thread. Where it throws there is no helper.
    package init(name: String, patienceMilliseconds: Int = 60_000, _ make: @escaping @Sendable () throws -> Work) {
        self.name = name
        self.patienceMilliseconds = patienceMilliseconds
        self.make = make
    }

    /// Whether a second thread is of use on this machine at all.
    package static var isOfUse: Bool { sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 }

    /// Offers a list of portions in place of the one before, whose rest is forgotten.
    /// - Parameter spent: something large that is needed no more: the helper frees it.
    package func offer(_ portions: [Portion], spent: (any Sendable)? = nil) {
        if !isStarted {
            isStarted = true
            do {
                try PlainThread.start(name) { self.run() }
            } catch {
                stop()
            }
        }
        isHolding = true
        state.withLock { state in
            guard !state.isStopped else { return }
            state.round += 1
            state.portions = portions
            state.places = Array(repeating: .open, count: portions.count)
            state.next = portions.count - 1
            state.spent = spent
        }
        condition.broadcast()
    }

    /// Lets go of the present list, and of what is to be freed: nothing is kept alive while there is nothing to do.
    package func clear() {
        guard isHolding else { return }
        isHolding = false
        state.withLock { state in
            state.round += 1
            state.portions = []
            state.places = []
            state.next = -1
            state.spent = nil
        }
    }

    /// Collects a portion of the present list, once.
    /// - Returns: what the helper made of it, or `nil` when it is the caller's to do. Waits for one that the helper is at.
    package func collect(_ index: Int) -> Outcome? {
        let collected: Outcome?? = condition.wait(milliseconds: patienceMilliseconds) {
            state.withLock { state in
                guard state.places.indices.contains(index), !state.isStopped else { return .some(nil) }
                switch state.places[index] {
                case .working: return nil
                case .open, .taken:
                    state.places[index] = .taken
                    return .some(nil)
                case .done(let outcome):
                    state.places[index] = .taken
                    return .some(outcome)
                }
            }
        }
        if let collected { return collected }
        stop()
        return nil
    }

    /// Ends the helper, once it has finished what it is at.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            state.portions = []
            state.places = []
            state.next = -1
            state.spent = nil
        }
        condition.broadcast()
    }

    // MARK: the helper's thread

    private func run() {
        guard let work = try? make() else { return stop() }
        defer { work.close() }
        while true {
            var spent: (any Sendable)?
            // Looks up from time to time only because nothing here waits for ever.
            let job: (round: Int, index: Int, portion: Portion)?? = condition.wait(milliseconds: 60_000) {
                state.withLock { state in
                    if state.isStopped { return .some(nil) }
                    guard state.next >= 0, case .open = state.places[state.next] else {
                        state.next = -1
                        return nil
                    }
                    let index = state.next
                    state.places[index] = .working
                    state.next -= 1
                    spent = state.spent.take()
                    return .some((state.round, index, state.portions[index]))
                }
            }
            guard let job else { continue }
            guard let job else { return }
            let outcome = work.perform(job.portion)
            // After the first portion, which the task may be waiting for.
            _ = consume spent
            let isWanted = state.withLock { state in
                guard state.round == job.round, !state.isStopped else { return false }
                state.places[job.index] = .done(outcome)
                return true
            }
            if isWanted { condition.broadcast() }
        }
    }
}
