internal import ConnectRuntime
internal import Synchronization

/// Who wants to hear of changes.
final class Observers: Sendable {
    private struct State {
        var next = 0
        var listeners: [Int: @Sendable (ConfigChange) -> Void] = [:]
    }
    private let state = Mutex(State())

    func add(_ listener: @escaping @Sendable (ConfigChange) -> Void) -> any StoreObservation {
        let number = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = listener
            return state.next
        }
        return Observation(self, number)
    }

    func tell(_ change: ConfigChange) {
        let listeners = state.withLock { state in state.listeners.sorted { $0.key < $1.key }.map(\.value) }
        for listener in listeners { listener(change) }
    }

    private func remove(_ number: Int) { state.withLock { $0.listeners[number] = nil } }

    private final class Observation: StoreObservation {
        private let observers: Observers
        private let number: Int
        init(_ observers: Observers, _ number: Int) {
            self.observers = observers
            self.number = number
        }
        deinit { cancel() }
        func cancel() { observers.remove(number) }
    }
}
