// The client's credentials: the Authorization field (RFC 9110 section 11, RFC 7617, RFC 6750; manual, section 7.3.6).

internal import Basics
internal import Configuration
internal import HTTP

enum LoginSample: SampleFamily {
    /// Whether the name and the password are in a userlist, by its index in the table.
    case isKnown(Int)
    /// The name, if so; where it is matched, the groups it belongs to.
    case groups(Int)
    case user, password, scheme
    /// The token of the Bearer scheme; of another field than Authorization, if one is named.
    case token(FieldName?)

    static let rows: [SampleRow] = [
        SampleRow(
            "http_auth", "(<userlist>)", yields: .bool, from: .requestHead,
            summary: "Whether the client's name and password (Basic) are those of a user of the list."
        ) { (arguments, table) throws(ConfigProblem) in
            .login(.isKnown(table.userList(try arguments.reference("a userlist's name"))))
        },
        SampleRow(
            "http_auth_group", "(<userlist>)", yields: .string, from: .requestHead,
            summary:
                "The client's name, if it is in the list with this password; as a criterion, the groups it belongs to."
        ) { (arguments, table) throws(ConfigProblem) in
            .login(.groups(table.userList(try arguments.reference("a userlist's name"))))
        },
        SampleRow(
            "http_auth_user", yields: .string, from: .requestHead, .login(.user),
            summary: "The name that the client gives (Basic). Nobody has checked it."),
        SampleRow(
            "http_auth_pass", yields: .string, from: .requestHead, .login(.password),
            summary: "The password that the client gives (Basic)."),
        SampleRow(
            "http_auth_type", yields: .string, from: .requestHead, .login(.scheme),
            summary: "The scheme of the client's Authorization field: Basic, Bearer, Digest."),
        SampleRow(
            "http_auth_bearer", "([<field>])", yields: .string, from: .requestHead,
            summary: "The token that the client gives (Bearer), in Authorization or the field named."
        ) { (arguments, table) throws(ConfigProblem) in
            guard let text = arguments.optionalString() else { return .login(.token(nil)) }
            guard let name = FieldName(text, &table) else {
                throw arguments.problem("'\(text)' cannot be a field name")
            }
            return .login(.token(name))
        },
    ]
    func head(in side: MessageSide) -> MessageSide? { .request }

    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _ cursor: inout SampleCursor) -> SampleValue? {
        switch self {
        case .isKnown(let place):
            guard context.request.isPresent else { return nil }
            guard let login = login(context) else { return .bool(false) }
            return .bool(isKnown(login, program.userList(place), context))
        case .groups(let place): return groups(context, program.userList(place), &cursor)
        case .user: return login(context).map { .string($0.user) }
        case .password: return login(context).map { .string($0.password) }
        case .scheme:
            guard let scheme = credentials(context, nil, program)?.scheme else { return nil }
            // Written one way, however the client does.
            if isEqual(scheme, "basic", context) { return .string(context.make { $0.append("Basic" as StaticString) }) }
            if isEqual(scheme, "bearer", context) {
                return .string(context.make { $0.append("Bearer" as StaticString) })
            }
            if isEqual(scheme, "digest", context) {
                return .string(context.make { $0.append("Digest" as StaticString) })
            }
            return nil
        case .token(let name):
            guard let found = credentials(context, name, program), isEqual(found.scheme, "bearer", context) else {
                return nil
            }
            return found.rest.count == 0 ? nil : .string(found.rest)
        }
    }

    private func isKnown(
        _ login: (user: SampleBytes, password: SampleBytes), _ list: UserList, _ context: ExchangeContext
    )
        -> Bool
    {
        context.withBytes(login.user) { user in
            context.withBytes(login.password) { password in list.authenticate(user: user, password: password) }
        }
    }

    /// One value after the other where they are matched; who belongs to no group has an empty one, which no group is.
    private func groups(_ context: ExchangeContext, _ list: UserList, _ cursor: inout SampleCursor) -> SampleValue? {
        if cursor.isIterating, cursor.offset > 0 { return group(context, list, &cursor) }
        guard let login = login(context), isKnown(login, list, context) else { return nil }
        if !cursor.isIterating { return .string(login.user) }
        guard let user = context.withBytes(login.user, { list.place(of: $0) }) else { return nil }
        cursor.field = user
        return group(context, list, &cursor)
    }

    private func group(_ context: ExchangeContext, _ list: UserList, _ cursor: inout SampleCursor) -> SampleValue? {
        let count = list.groupCount(ofUser: cursor.field)
        let place = cursor.offset
        cursor.offset += 1
        cursor.hasMore = cursor.offset < count
        return .string(context.make { if place < count { list.appendGroup(place, ofUser: cursor.field, to: &$0) } })
    }

    // MARK: The field

    /// What Basic has in its token, in the scratch.
    private func login(_ context: ExchangeContext) -> (user: SampleBytes, password: SampleBytes)? {
        guard let line = context.request.fields.first(.authorization),
            let found = credentials(context, line: line), isEqual(found.scheme, "basic", context)
        else { return nil }
        let start = context.scratch.count
        guard
            context.request.fields.decode(
                line, found.rest.start..<found.rest.start + found.rest.count, to: &context.scratch)
        else { return nil }
        let colon = context.scratch[start...].firstIndex(of: 0x3A)
        guard let colon else { return nil }
        return (
            SampleBytes(source: .scratch, start: start, count: colon - start),
            SampleBytes(source: .scratch, start: colon + 1, count: context.scratch.count - colon - 1)
        )
    }

    private func credentials(
        _ context: ExchangeContext, _ name: FieldName?, _ program: ExpressionProgram
    ) -> (scheme: SampleBytes, rest: SampleBytes)? {
        let line =
            if let name {
                context.request.fields.next(name, program, from: 0)
            } else { context.request.fields.first(.authorization) }
        return line.flatMap { credentials(context, line: $0) }
    }

    /// The scheme and what stands behind it.
    private func credentials(_ context: ExchangeContext, line: Int) -> (scheme: SampleBytes, rest: SampleBytes)? {
        let all = context.all(.line(line))
        let (end, next) = context.withBytes(all) { value in
            let end = value.firstIndex(from: 0) { $0 == 0x20 }
            return (end, value.firstIndex(from: end) { $0 != 0x20 })
        }
        guard end > 0 else { return nil }
        var (scheme, rest) = (all, all)
        scheme.count = end
        rest.start = next
        rest.count = all.count - next
        return (scheme, rest)
    }

    private func isEqual(_ bytes: SampleBytes, _ text: StaticString, _ context: ExchangeContext) -> Bool {
        context.withBytes(bytes) { $0.equalsIgnoringCase(text) }
    }
}

extension HeaderFields {
    fileprivate func decode(_ line: Int, _ range: Range<Int>, to out: inout [UInt8]) -> Bool {
        value(line).extracting(range).appendDecodedBase64(to: &out)
    }
}

extension RawSpan {
    /// Appends what the bytes stand for in base64 (RFC 4648 section 4); false if they are not that, with all padding.
    func appendDecodedBase64(to out: inout [UInt8]) -> Bool {
        guard byteCount % 4 == 0 else { return false }
        var i = 0
        while i < byteCount {
            var word: UInt32 = 0
            var padding = 0
            for k in 0..<4 {
                let digit = Self.base64Digit(self[i + k])
                if digit == 64, i + 4 == byteCount, k >= 2 {
                    padding += 1
                } else if digit > 63 || padding > 0 {
                    return false
                }
                word = word << 6 | UInt32(digit & 63)
            }
            out.append(UInt8(truncatingIfNeeded: word >> 16))
            if padding < 2 { out.append(UInt8(truncatingIfNeeded: word >> 8)) }
            if padding < 1 { out.append(UInt8(truncatingIfNeeded: word)) }
            i += 4
        }
        return true
    }

    /// 64 for padding, 255 for what is no digit.
    private static func base64Digit(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0x41...0x5A: byte - 0x41
        case 0x61...0x7A: byte - 0x61 + 26
        case 0x30...0x39: byte - 0x30 + 52
        case 0x2B: 62
        case 0x2F: 63
        case 0x3D: 64
        default: 255
        }
    }
}
