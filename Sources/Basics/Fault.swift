// Replacements for `precondition` and `preconditionFailure` that print their message in every build.
//
// The standard library's `precondition` also checks in release builds but drops the message: an operator would be left
// with a stack trace without values. These functions have the same names and shadow it wherever Basics is imported.

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

/// Out of line, to keep the checks small at their call sites.
@inline(never)
@usableFromInline
func endProcess(saying message: () -> String, _ file: StaticString, _ line: UInt) -> Never {
    fatalError(message(), file: file, line: line)
}
