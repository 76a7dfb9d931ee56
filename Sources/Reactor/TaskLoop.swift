// A loop for what is not the data path: health checks, the runtime socket, signals, clock ticks.
//
// It trades speed for simplicity: a task is an object with two methods. Workers have a loop of their own.

public import Basics
public import SystemPackage

/// Something that waits for a descriptor, for a time, or for both.
public protocol LoopTask: AnyObject {
    /// The descriptor given to `add` or `watch` became ready.
    func ready(_ readiness: Readiness, in loop: TaskLoop)
    /// The deadline has passed. It is cleared before the call.
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

    public var now: Instant { kernel.now }
    public var taskCount: Int { slots.count }

    /// Takes a task in; the handle names it from now on.
    public func add(_ task: any LoopTask) -> SlotHandle { slots.insert(Slot(task)) }

    /// Forgets a task. Descriptors it watches are its own to close.
    public func remove(_ handle: SlotHandle) { slots.remove(handle) }

    /// Not nil if the system has no room for it.
    @discardableResult
    public func watch(_ socket: Socket, for interest: Interest, as handle: SlotHandle) -> Errno? {
        kernel.watch(socket, for: interest, token: handle.packed)
    }

    /// Sets the task's one deadline; `never` clears it.
    public func setDeadline(_ deadline: Instant, of handle: SlotHandle) {
        guard let slot = slots[handle] else { preconditionFailure("a deadline for a task that is gone") }
        slot.deadline = deadline
        if deadline != .never { timers.schedule(handle, at: deadline) }
    }

    /// Waits once, for at most until `limit`, and runs whatever is due.
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
