// A sample and the converters behind it, compiled: what stands in a condition or in `%[…]`.

internal import Configuration
internal import Patterns

/// A compiled expression.
public struct Expression: Sendable {
    let sample: Sample
    /// A stretch of the table's converters.
    let converters: TableSlice
    /// What it yields.
    public let type: SampleType
    /// The index of the sample's row in its table.
    let rowIndex: Int

    /// The sample's name and from when on it is known, for those who check where the expression stands.
    public var row: SampleRow { SampleRow.table[rowIndex] }

    /// The value; nil if there is none: no such field, or a conversion that failed.
    public func evaluate(_ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        var cursor = SampleCursor(isIterating: false)
        return next(context, program, &cursor)
    }

    /// The next of several values: of a header field's list, say. `cursor.hasMore` says whether to ask again.
    func next(_ context: ExchangeContext, _ program: ExpressionProgram, _ cursor: inout SampleCursor) -> SampleValue? {
        if context.requestProbe != nil, !context.hasHead(for: sample) { return nil }
        guard var value = sample.fetch(context, program, &cursor) else { return nil }
        if converters.isEmpty { return value }
        for i in converters.range {
            guard let converted = program.expressions.converters[i].apply(value, context, program) else { return nil }
            value = converted
        }
        return value
    }
}

/// Where a sample of several values has come to.
struct SampleCursor {
    /// Whether all values are wanted one after the other; otherwise the one that HAProxy takes.
    let isIterating: Bool
    /// The field to look at next, and the offset in it.
    var field = 0
    var offset = 0
    /// Whether another value may follow.
    var hasMore = false
}

/// The families of converters. Each has a file with its type, its rows and its way to convert.
enum Converter: Sendable {
    case arithmetic(ArithmeticConverter)
    case text(TextConverter)
    case concatenation(Concatenation)
    case part(PartConverter)
    case language(LanguageConverter)
    case host(HostConverter)
    case url(URLConverter)
    case base64(Base64Converter)
    case binary(BinaryConverter)
    case hash(HashConverter)
    case digest(DigestConverter)
    case variable(VariableConverter)
    case addressMask(AddressMask)
    case forwarded(ForwardedConverter)
    case date(DateConverter)
    case json(JSONConverter)
    case jsonQuery(JSONQuery)
    case tokenQuery(TokenQuery)
    /// Indices in the table.
    case tokenVerifier(Int)
    case cipher(Int)
    case protobuf(ProtobufConverter)
    case fix(FIXConverter)
    case mqtt(MQTTConverter)
    case when(WhenConverter)
    case capture(CaptureConverter)
    case site(SiteConverter)
    case certificateError
    case substitution(Substitution)
    case map(MapConverter)
    /// Put in by the compiler where types ask for it; has no name.
    case cast(Cast)

    @inline(__always)
    func apply(_ value: SampleValue, _ context: ExchangeContext, _ program: ExpressionProgram) -> SampleValue? {
        switch self {
        case .arithmetic(let converter): converter.apply(value, context)
        case .text(let converter): converter.apply(value, context, program)
        case .concatenation(let converter): converter.apply(value, context, program)
        case .part(let converter): converter.apply(value, context, program)
        case .language(let converter): converter.apply(value, context, program)
        case .host(let converter): converter.apply(value, context)
        case .url(let converter): converter.apply(value, context)
        case .base64(let converter): converter.apply(value, context)
        case .binary(let converter): converter.apply(value, context, program)
        case .hash(let converter): converter.apply(value, context)
        case .digest(let converter): converter.apply(value, context, program)
        case .variable(let converter): converter.apply(value, context)
        case .addressMask(let mask): mask.apply(value, context)
        case .forwarded(let converter): converter.apply(value, context)
        case .date(let converter): converter.apply(value, context, program)
        case .json(let converter): converter.apply(value, context)
        case .jsonQuery(let query): query.apply(value, context, program)
        case .tokenQuery(let query): query.apply(value, context, program)
        case .cipher(let place): program.expressions.ciphers[place].apply(value, context, program)
        case .tokenVerifier(let place): program.expressions.tokenVerifiers[place].apply(value, context, program)
        case .protobuf(let converter): converter.apply(value, context, program)
        case .fix(let converter): converter.apply(value, context)
        case .mqtt(let converter): converter.apply(value, context)
        case .when(let converter): converter.apply(value, context, program)
        case .capture(let converter): converter.apply(value, context)
        case .site(let converter): converter.apply(value, context)
        case .certificateError: CertificateErrorConverter.apply(value, context)
        case .substitution(let converter): converter.apply(value, context, program)
        case .map(let converter): converter.apply(value, context, program)
        case .cast(let cast): cast.apply(value, context)
        }
    }
}
