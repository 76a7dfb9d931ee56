// The event loop of the control plane: health checks, the runtime socket, signals, timers.
//
// A task is an object with two methods: simple rather than fast. Workers have their own loop (`Worker.run`).

public import Basics
public import SystemPackage

/// An object that waits for descriptors, for a deadline, or for both.
public protocol LoopTask: AnyObject {
    /// Called when a descriptor that the task watches is ready.
    func ready(_ readiness: Readiness, in loop: TaskLoop)
    /// Called when the task's deadline has passed. The deadline is cleared before the call.
    func expired(in loop: TaskLoop)
}

/// Runs tasks on one thread.
public final class TaskLoop {
    public let kernel: any Kernel
    private var slots = Slab<Slot>()
    private var timers = TimerQueue()
    private var events: [Event] = []

    private final class Slot {
        let task: any LoopTask
        var deadline = Instant.never
        init(_ task: any LoopTask) { self.task = task }
    }

    public init(kernel: any Kernel) { self.kernel = kernel }

    /// The kernel's current time.
    public var now: Instant { kernel.now }
    public var taskCount: Int { slots.count }

    /// Adds a task; the returned handle identifies it in all other calls.
    public func add(_ task: any LoopTask) -> SlotHandle { slots.insert(Slot(task)) }

    /// Removes a task. The task itself must close its descriptors.
    public func remove(_ handle: SlotHandle) { slots.remove(handle) }

    /// Watches a socket for a task. Returns the errno when the system is out of watches or memory.
    @discardableResult
    public func watch(_ socket: Socket, for interest: Interest, as handle: SlotHandle) -> Errno? {
        kernel.watch(socket, for: interest, token: handle.packed)
    }

    /// Sets the deadline of a task, of which it has one; `never` clears it.
    public func setDeadline(_ deadline: Instant, of handle: SlotHandle) {
        guard let slot = slots[handle] else { preconditionFailure("a deadline was set for a task that was removed") }
        slot.deadline = deadline
        if deadline != .never { timers.schedule(handle, at: deadline) }
    }

    /// Waits once, until `limit` at the latest, and calls the tasks that are ready or due.
    public func runOnce(until limit: Instant = .never) {
        kernel.wait(until: min(timers.next, limit), into: &events)
        for event in events {
            if let slot = slots[SlotHandle(packed: event.token)] { slot.task.ready(event.readiness, in: self) }
        }
        while let (handle, _) = timers.popDue(by: kernel.now) {
            guard let slot = slots[handle], slot.deadline <= kernel.now else { continue }
            slot.deadline = .never
            slot.task.expired(in: self)
        }
    }
}
