// The lock used throughout the project: a value that only one thread at a time may access.
//
// It is Synchronization's `Mutex` (a futex) without overhead. ThreadSanitizer cannot see that one, because its slow
// path is in a library that is not instrumented: every guarded value would be reported as a race. `make tsan` therefore
// builds with PTHREAD_LOCKS, where the lock is a pthread mutex. No other file in Sources uses either of them.

#if PTHREAD_LOCKS
    internal import Glibc
#else
    public import Synchronization
#endif

#if !PTHREAD_LOCKS
    /// A value protected by a mutex. Waiting threads sleep; a thread must not take a lock that it already holds.
    @frozen
    public struct Lock<State: ~Copyable>: ~Copyable, Sendable {
        @usableFromInline internal let mutex: Mutex<State>

        @inlinable @inline(__always)
        public init(_ state: consuming sending State) { mutex = Mutex(state) }

        /// Runs `body` with the value, and returns what it returns, while no other thread can touch the value.
        @inlinable @inline(__always)
        public borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending State) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result { try mutex.withLock(body) }

        /// Like `withLock`, but returns nil at once if another thread holds the lock.
        @inlinable @inline(__always)
        public borrowing func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending State) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result? { try mutex.withLockIfAvailable(body) }
    }
#else
    /// A value protected by a pthread mutex, for ThreadSanitizer.
    @safe
    public struct Lock<State: ~Copyable>: ~Copyable, @unchecked Sendable {
        // Allocated separately, because a mutex must not move.
        private let mutex: UnsafeMutablePointer<pthread_mutex_t>
        private let state: UnsafeMutablePointer<State>

        public init(_ state: consuming sending State) {
            unsafe mutex = UnsafeMutablePointer.allocate(capacity: 1)
            unsafe mutex.initialize(to: pthread_mutex_t())
            let result = unsafe pthread_mutex_init(mutex, nil)
            precondition(result == 0, "pthread_mutex_init: error \(result)")
            unsafe self.state = UnsafeMutablePointer.allocate(capacity: 1)
            unsafe self.state.initialize(to: state)
        }

        deinit {
            unsafe state.deinitialize(count: 1)
            unsafe state.deallocate()
            unsafe pthread_mutex_destroy(mutex)
            unsafe mutex.deallocate()
        }

        /// Runs `body` with the value, and returns what it returns, while no other thread can touch the value.
        public borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending State) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            let result = unsafe pthread_mutex_lock(mutex)
            precondition(result == 0, "pthread_mutex_lock: error \(result)")
            defer { unsafe pthread_mutex_unlock(mutex) }
            return try unsafe body(&state.pointee)
        }

        /// Like `withLock`, but returns nil at once if another thread holds the lock.
        public borrowing func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending State) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result? {
            guard unsafe pthread_mutex_trylock(mutex) == 0 else { return nil }
            defer { unsafe pthread_mutex_unlock(mutex) }
            return try unsafe body(&state.pointee)
        }
    }
#endif
