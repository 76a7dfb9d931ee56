// Faults of our own: what must hold and does not.
//
// Swift's `precondition` checks in a release build too, but says nothing there: whoever is woken at night would find a
// stack and no values. These two, of the same names, take its place wherever this room is imported, and say in every build
// what was wrong.

/// Ends the process with `message` on standard error unless `condition` holds.
@inlinable @inline(__always)
public func precondition(
    _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String = "", file: StaticString = #fileID,
    line: UInt = #line
) {
    if !condition() { preconditionFailure(message(), file: file, line: line) }
}

/// Ends the process with `message` on standard error.
@inlinable @inline(__always)
public func preconditionFailure(
    _ message: @autoclosure () -> String = "", file: StaticString = #fileID, line: UInt = #line
) -> Never {
    endProcess(saying: message, file, line)
}

/// Out of line, so that what leads here is small where it is not taken.
@inline(never)
@usableFromInline
func endProcess(saying message: () -> String, _ file: StaticString, _ line: UInt) -> Never {
    fatalError(message(), file: file, line: line)
}
