// Every invalid line gets its own precise message, which the file below gives after each line.

import Configuration
import Testing

@Suite struct MistakeTests {
    /// After `#! ` in a line: the column and the expected message. Lines without are valid.
    private static let file = ##"""
        modde http                              #! 1 unknown section 'modde'; expected one of global, defaults, frontend, backend, listen, http-errors, userlist, resolvers, ring, log-profile, mailers
            bind :80
        frontend                                #! 1 'frontend' lacks a name; expected frontend <name>
            bind :99999                         #! 10 '99999' is not a port; expected 1 to 65535, or a range like 8000-8009
        global extra                            #! 8 unexpected 'extra' in the line of 'global'; expected a new line
            daemon please                       #! 12 unexpected 'please' in the line of 'daemon'; expected daemon
            deamon                              #! 5 unknown keyword 'deamon'; did you mean 'daemon'?
            bind :80                            #! 5 'bind' is not allowed in the global section, only in frontend or listen
            option httplog                      #! 5 'option httplog' is not allowed in the global section, only in defaults, frontend or listen
            option httplogg                     #! 5 'option' is not allowed in the global section, only in defaults, frontend, backend or listen
            lua-load x.lua                      #! 5 'lua-load' is known to HAProxy, but Portico does not do it yet
            no daemon                           #! 5 'daemon' cannot be negated
            setenv A                            #! 13 'setenv' lacks an argument; expected a value
            setenv A=B c                        #! 12 'A=B' cannot be a variable's name
            unsetenv                            #! 13 'unsetenv' lacks an argument; expected a variable's name
            "" daemon                           #! 5 the line begins with an empty word; expected a keyword
        defaults base
            timeout clint 5s                    #! 13 unknown timeout 'clint'; did you mean 'client'?
            timeout client 5x                   #! 20 '5x' is not a time; expected a time: a whole number followed by us, ms, s, m, h or d, or by nothing for milliseconds
            timeout                             #! 12 'timeout' lacks an argument; expected one of connect, server, queue, client, http-request
            timeout client                      #! 19 'timeout client' lacks an argument; expected a time
            mode htpp                           #! 10 unknown mode 'htpp'; expected one of http, tcp; did you mean 'http'?
            server a :80                        #! 5 'server' is not allowed in a defaults section, only in backend or listen
        defaults base
        defaults from nowhere                   #! 15 no defaults section named 'nowhere' above
        frontend www from bse                   #! 19 no defaults section named 'bse' above; did you mean 'base'?
            bind "127.0.0.1:80                  #! 10 this quote is not closed; expected " before the end of the line
            bind 8080                           #! 10 '8080' is a port without an address; did you mean ':8080'?
            bind :443 ssl crt /etc/site.pem     #! 15 'ssl' is known to HAProxy, but Portico's TLS does not do it yet
            bind :80 accept-proxy               #! 14 'accept-proxy' is known to HAProxy, but Portico does not do it yet
            bind \x4                            #! 10 '\x' lacks digits; expected two hexadecimal digits after it, like \x0a
            bind "${PORT"                       #! 11 '${' is not closed; expected } after the variable's name
            bind "$ 80"                         #! 11 '$' without a variable's name; expected a letter or '_' after it, or '\$' for a dollar sign
            bind :80 "" name x                  #! 14 an empty word where a parameter of 'bind' should be
            httplog                             #! 5 unknown keyword 'httplog'; did you mean 'option httplog'?
            timeout-client 5s                   #! 5 unknown keyword 'timeout-client'; did you mean 'timeout client'?
            optoin httplog                      #! 5 unknown keyword 'optoin'; did you mean 'option'?
            no                                  #! 5 'no' lacks a keyword; expected the keyword to negate behind it
            no bind :80                         #! 5 'bind' cannot be negated
            no option httplog                   #! 5 'option httplog' cannot be negated
            default option httplog              #! 5 'option httplog' cannot be negated
            default bind :80                    #! 5 'default' stands only before 'option'
            option redispatch                   #! 5 'option redispatch' is not allowed in a frontend, only in defaults, backend or listen
            busy-polling                        #! 5 'busy-polling' is not allowed in a frontend, only in global
            email-alert to a@example.com        #! 5 'email-alert to' is for alerts by mail, which Portico does not send; expected a log line to a receiver that sends mail: changes of servers' states are logged at notice to emerg
        frontend two from base                  #! 19 'base' names several defaults sections: t.cfg:17 and t.cfg:24
        frontend two                            #! 10 there is a frontend 'two' already, at t.cfg:46
        listen two                              #! 8 there is a frontend 'two' already, at t.cfg:46
        backend two
            option pgsql-check                  #! 5 'option pgsql-check' is known to HAProxy, but Portico does not do it yet
            option httpclsoe                    #! 12 unknown option 'httpclsoe'; did you mean 'httpclose'?
            option                              #! 11 'option' lacks an argument; expected one of httpclose, redispatch
            http-request                        #! 17 'http-request' lacks an argument; expected one of deny, add-header, set-var
            http-request dany                   #! 18 unknown http-request action 'dany'; did you mean 'deny'?
            http-request set-var(txn.x) y
            http-request set-var(txn.x          #! 18 '(' is not closed; expected ')' at the end of the word
            http-request set-var() y            #! 5 'set-var' lacks its argument; expected set-var(…) with a variable, without a blank
            http-request set-var (txn.x) y      #! 5 'set-var' lacks its argument; expected set-var(…) with a variable, without a blank
            http-request set-vra(txn.x) y       #! 18 unknown http-request action 'set-vra(txn.x)'; did you mean 'set-var'?
            http-request add-header(x) y        #! 18 unknown http-request action 'add-header(x)'; did you mean 'add-header'?
            http-request set-map(x) y           #! 5 'http-request set-map' is known to HAProxy, but Portico does not do it yet
            stick-table type ip                 #! 5 'stick-table' is known to HAProxy, but Portico does not do it yet
            server                              #! 11 'server' lacks an argument; expected a server name
            server a                            #! 13 'server' lacks an argument; expected an address
            server a :80 chekc                  #! 18 unknown parameter 'chekc' of 'server'; did you mean 'check'?
            server a :80 maxconn 5              #! 18 'maxconn' is known to HAProxy, but Portico does not do it yet
            server a :80 check ssl verify none  #! 24 'ssl' is known to HAProxy, but Portico's TLS does not do it yet
            server a :80 interval 2s            #! 18 unknown parameter 'interval' of 'server'; did you mean 'inter'?
            server a http://10.0.0.1/           #! 14 an address has no 'http://' before it; expected <address>:<port>; did you mean '10.0.0.1:80'?
            server a https://[::1]:8443         #! 14 an address has no 'https://' before it; expected <address>:<port>; did you mean '[::1]:8443'?
            reqrep ^a b                         #! 12 'reqrep' is an old spelling, gone from HAProxy: the pattern is neither for a target, like '^([^ ]*) /path(.*)', nor for one field, like '^Name: value'; expected http-request rules: portico help http-request
            server a :80 weight 999             #! 25 999 is out of range; expected a weight from 0 to 256
            server a :80 weight                 #! 24 'weight' lacks an argument; expected a weight
            bind :80                            #! 5 'bind' is not allowed in a backend, only in frontend or listen
            maxconn 5                           #! 5 'maxconn' is not allowed in a backend, only in global, defaults, frontend or listen
            xyzzy                               #! 5 unknown keyword 'xyzzy'
        .if defned(X)                           #! 5 unknown condition 'defned'; expected 'portico help conditions' lists them; did you mean 'defined'?
            xyzzy
        .else
            xyzzy
        .endif
        .notcie "hello"                         #! 1 unknown directive '.notcie'; expected one of .if, .elif, .else, .endif, .notice, .warning, .alert, .diag; did you mean '.notice'?
        backend wrong*name                      #! 9 '*' is not allowed in a section's name; expected letters, digits, '-', '_', '.' and ':'
            xyzzy                               #! 5 unknown keyword 'xyzzy'
        backend app extra                       #! 13 unexpected 'extra' in the line of 'backend'; expected backend <name> [from <defaults>]
        backend x from                          #! 11 'from' lacks a name; expected the name of a defaults section
        backend ""                              #! 9 a section's name is empty
        backedn three                           #! 1 unknown section 'backedn'; did you mean 'backend'?
            nothing in here is judged
        log-forward dns                         #! 1 section 'log-forward' is known to HAProxy, but Portico does not do it yet
            dgram-bind 127.0.0.1:53
        listen "unclosed                        #! 8 this quote is not closed; expected " before the end of the line
            nothing in here either
        listen four
            mode http
        apps my                                 #! 1 unknown section 'apps'; expected one of global, defaults, frontend, backend, listen, http-errors, userlist, resolvers, ring, log-profile, mailers
            start 5
            stop 5
        """##

    @Test func `every wrong line has its message, and no other line has one`() throws {
        let lines = Self.file.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        // With more mistakes than that in one file there are no suggestions: it is parsed in two parts.
        let middle = try #require(lines.firstIndex(of: "backend two"))
        try check(Array(lines[..<middle]))
        try check(["defaults base"] + lines[middle...])
    }

    private func check(_ lines: [String]) throws {
        var source = "", expected: [String] = []
        for (index, line) in lines.enumerated() {
            guard let mark = line.firstRange(of: "#! ") else {
                source += line + "\n"
                continue
            }
            source += String(line[..<mark.lowerBound]).trimmedAtEnd + "\n"
            let parts = line[mark.upperBound...].split(separator: " ", maxSplits: 1)
            expected.append("\(index + 1):\(parts[0]): error: \(parts[1])")
        }
        let complaints = load(source).complaints
        for (complaint, expected) in zip(complaints, expected) { #expect(complaint == expected) }
        #expect(complaints.count == expected.count)
    }

    @Test func `lines before the first section are one mistake`() {
        #expect(
            load("bind :80\nmode http\nfrontend a\n").complaints
                == [
                    "1:1: error: 'bind' before the first section; expected a line with frontend or listen above it"
                ])
    }

    @Test func `a file that says nothing is a mistake`() {
        for text in ["", "# only a comment\n"] {
            #expect(
                load(text).complaints == ["error: there is no section; expected a frontend and a backend, or a listen"])
        }
    }

    @Test func `an error refuses the file, warnings do not`() {
        #expect(load("listen a\n contimeout 5\n").hasErrors == false)
        #expect(load("listen a\n foo\n").hasErrors)
    }

    @Test func `warnings of a line stay when the line then fails`() {
        #expect(
            load("backend a\n server s :80 weight 0 foo\n").complaints == [
                "2:22: warning: a server of weight 0 gets nothing", "2:24: error: unknown parameter 'foo' of 'server'",
            ])
    }

    @Test func `an unindented slip in an unindented file is a keyword, not a section`() {
        #expect(
            load("listen a\nmode http\nblance x\nmode tcp\n").complaints
                == ["3:1: error: unknown keyword 'blance'; did you mean 'balance'?"])
    }
}

extension String {
    fileprivate var trimmedAtEnd: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
