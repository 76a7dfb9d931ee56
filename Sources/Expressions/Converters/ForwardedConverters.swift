// RFC 7239's Forwarded: whether a value is one, what is in it, and the parts to make one (manual, section 7.3.1).

internal import Basics
internal import Configuration

enum ForwardedConverter: Sendable {
    case isValid
    case field(ForwardedElement.Name)
    case nodeName, nodePort
    case makeName, makePort

    static let rows: [ConverterRow] = [
        ConverterRow(
            "rfc7239_is_valid", takes: .string, yields: .bool,
            summary: "Whether the text is an element of a Forwarded field as RFC 7239 has it: for, by, host and proto."
        ) { (_, _) throws(ConfigProblem) in .forwarded(.isValid) },
        ConverterRow(
            "rfc7239_field", "(<field>)", takes: .string, yields: .string,
            summary: "The value of proto, host, for or by in an element of a Forwarded field, without quotes."
        ) { (arguments, _) throws(ConfigProblem) in
            let text = try arguments.string("proto, host, for or by")
            guard let name = ForwardedElement.Name(rawValue: text) else {
                throw arguments.problem("'\(text)' is no parameter of Forwarded", expected: "proto, host, for or by")
            }
            return .forwarded(.field(name))
        },
        ConverterRow(
            "rfc7239_n2nn", takes: .string, yields: .any,
            summary: "The name in a node of a Forwarded field: an address, `unknown`, or a word with `_` in front."
        ) { (_, _) throws(ConfigProblem) in .forwarded(.nodeName) },
        ConverterRow(
            "rfc7239_n2np", takes: .string, yields: .any,
            summary: "The port in a node of a Forwarded field: a number, or a word with `_` in front."
        ) { (_, _) throws(ConfigProblem) in .forwarded(.nodePort) },
        ConverterRow(
            "rfc7239_nn", takes: .any, yields: .string,
            summary:
                "A node's name for a Forwarded field: of an address, or of a text with `_` in front; `unknown` of an empty "
                + "one."
        ) { (_, _) throws(ConfigProblem) in .forwarded(.makeName) },
        ConverterRow(
            "rfc7239_np", takes: .any, yields: .string,
            summary: "A node's port for a Forwarded field: of a number, or of a text with `_` in front."
        ) { (_, _) throws(ConfigProblem) in .forwarded(.makePort) },
    ]

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        switch self {
        case .isValid:
            return .bool(context.withBytes(value.bytes(context)) { ForwardedElement.isValid($0) })
        case .field(let name):
            let input = value.bytes(context)
            return context.withBytes(input) { ForwardedElement.value(of: name, in: $0) }.map { .string(input.part($0)) }
        case .nodeName: return node(value, context) { $0.name }
        case .nodePort: return node(value, context) { $0.port }
        case .makeName:
            switch value {
            case .address(.v6):
                return .string(
                    context.make { out in
                        TextWriter.append(to: &out) { writer in
                            writer.append(0x5B)
                            if case .address(let address) = value { writer.append(ip: address) }
                            writer.append(0x5D)
                        }
                    })
            case .address: return .string(value.bytes(context))
            case .string(let bytes):
                if bytes.count == 0 { return .string(context.make { $0.append("unknown" as StaticString) }) }
                return obfuscated(bytes, context)
            case .bool, .integer: return nil
            }
        case .makePort:
            switch value {
            case .integer(let number): return 0...65_535 ~= number ? .string(value.bytes(context)) : nil
            case .string(let bytes): return obfuscated(bytes, context)
            case .bool, .address: return nil
            }
        }
    }

    private func node(
        _ value: SampleValue, _ context: ExchangeContext, _ part: (ForwardedNode) -> ForwardedNode.Part?
    ) -> SampleValue? {
        let input = value.bytes(context)
        return switch context.withBytes(input, { ForwardedNode($0).flatMap(part) }) {
        case .address(let address): .address(address)
        case .number(let number): .integer(number)
        case .word(let range): .string(input.part(range))
        case nil: nil
        }
    }

    private func obfuscated(_ bytes: SampleBytes, _ context: ExchangeContext) -> SampleValue? {
        context.convert(bytes) { text, out in
            out.append(0x5F)
            out.append(text)
            return text.byteCount > 0 && text.firstIndex(from: 0) { !ForwardedNode.isWordByte($0) } == text.byteCount
        }
    }
}
