// Writing header fields, and which of them are not a rule's to write.

internal import Basics
public import HTTP
internal import Patterns

/// What becomes of the fields that have the name already; the raw value is the action that does it.
public enum FieldChange: String, Sendable {
    case set = "set-header"
    case add = "add-header"
}

extension HeaderFields {
    /// Writes a field with a value in which there is no control character.
    public mutating func change(
        _ operation: FieldChange, _ name: FieldName, _ value: [UInt8], _ program: ExpressionProgram
    ) {
        if operation == .set { remove(name, program) }
        // A value that is not valid would be refused; the renderer makes none.
        if name.known == .other {
            unsafe append(name: program.text(name.text), value: value.span.bytes)
        } else {
            append(name.known, value)
        }
    }
}

extension FieldName {
    public var framesMessages: Bool { known.framesMessages }
}

extension KnownField {
    /// Whether the field says where a message ends: each hop writes its own.
    public var framesMessages: Bool { self == .contentLength || self == .transferEncoding }

    /// Whether the field says what becomes of a connection, or where a message ends.
    public var isHopByHop: Bool {
        switch self {
        case .contentLength, .transferEncoding, .connection, .keepAlive, .proxyConnection, .te, .trailer, .upgrade: true
        default: false
        }
    }
}
