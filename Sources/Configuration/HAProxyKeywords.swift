// The names of HAProxy's keywords and sections, to distinguish keywords that Portico does not support yet from typing
// errors. Names only: those of the manual of 2.6, sections 3 and 4.1, and later ones that are in use. Keywords that
// Portico supports are in the tables of the modules, which are searched first.

/// Names of HAProxy's keywords and sections.
enum HAProxyKeywords {
    /// HAProxy's sections other than those of `SectionKind`.
    static let sections: Set<String> = [
        "acme", "cache", "fcgi-app", "log-forward",
        "peers", "program", "traces",
    ]

    /// The longest HAProxy keyword with which the line starts, or nil.
    static func known(_ words: ArraySlice<Word>) -> String? {
        guard let first = words.first?.text else { return nil }
        let behind = words.dropFirst()
        if let member = member(of: first, behind.first) {
            let pair = first + " " + member
            guard families[pair] != nil, behind.count > 1 else { return pair }
            return self.member(of: pair, behind.dropFirst().first).map { pair + " " + $0 }
        }
        return single.contains(first) ? first : nil
    }

    /// The member of `family` that `word` names, without arguments in parentheses: `set-map(file)` is the action
    /// set-map.
    private static func member(of family: String, _ word: Word?) -> String? {
        guard let members = families[family], let word else { return nil }
        let member = String(word.text.prefix { $0 != "(" })
        return members.contains(member) ? member : nil
    }

    /// The problem for a keyword that HAProxy has.
    static func refusal(of name: String, at range: SourceRange) -> ConfigProblem {
        guard name.hasPrefix("email-alert") else { return notSupported("'\(name)'", at: range) }
        return ConfigProblem(
            "'\(name)' is for alerts by mail, which Portico does not send", at: range,
            expected:
                "a log line to a receiver that sends mail: changes of servers' states are logged at notice to emerg")
    }

    static func notSupported(_ what: String, at range: SourceRange) -> ConfigProblem {
        ConfigProblem("\(what) is known to HAProxy, but Portico does not do it yet", at: range)
    }

    static func set(_ text: String) -> Set<String> {
        Set(text.split { $0 == " " || $0 == "\n" }.map(String.init))
    }

    private static let single = set(
        """
        51degrees-cache-size 51degrees-data-file 51degrees-property-name-list 51degrees-property-separator
        acl acme.scheduler anonkey backlog balance be-unpublished bind bind-process busy-polling ca-base
        chroot clitcpka-cnt clitcpka-idle clitcpka-intvl close-spread-time cluster-secret compression cookie
        cpu-map cpu-policy cpu-set crt-base daemon default-path default-server default_backend description
        deviceatlas-json-file deviceatlas-log-level deviceatlas-properties-cookie deviceatlas-separator
        disabled dispatch dns-accept-family dump-libs enabled error-log-format errorfile errorfiles errorloc
        errorloc302 errorloc303 expose-experimental-directives external-check fd-hard-limit filter
        force-cfg-parser-pause force-persist fullconn gid grace group guid h1-accept-payload-with-any-method
        h1-case-adjust h1-case-adjust-file h1-do-not-close-on-insecure-transfer-encoding
        h2-workaround-bogus-websocket-clients hard-stop-after harden.reject-privileged-ports.quic
        harden.reject-privileged-ports.tcp http-error
        http-reuse http-send-name-header httpclient.resolvers.id httpclient.resolvers.prefer
        httpclient.retries httpclient.ssl.ca-file httpclient.ssl.verify httpclient.timeout.connect id
        ignore-persist insecure-fork-wanted insecure-setuid-wanted issuers-chain-path key-base limited-quic
        load-server-state-from-file localpeer log log-format log-format-sd log-send-hostname log-steps
        log-tag lua-load lua-load-per-thread lua-prepend-path max-keep-alive-queue max-session-srv-conns
        max-spread-checks maxcompcpuusage maxcomprate maxconn maxconnrate maxpipes maxsessrate maxsslconn
        maxsslrate maxzlibmem mode monitor-uri mworker-max-reloads nbthread no-memory-trimming no-quic
        node noepoll noevports nogetaddrinfo nokqueue nopoll noreuseport nosplice numa-cpu-mapping
        ocsp-update.disable ocsp-update.httpproxy ocsp-update.maxdelay ocsp-update.mindelay ocsp-update.mode
        pidfile pp2-never-send-local prealloc-fd presetenv profiling.memory profiling.tasks quic-initial
        quiet redirect resetenv retries retry-on server server-state-base server-state-file server-state-file-name server-template set-dumpable
        set-var set-var-fmt setcap setenv shm-stats-file shm-stats-file-max-objects source spread-checks
        srvtcpka-cnt srvtcpka-idle srvtcpka-intvl ssl-default-bind-ciphers ssl-default-bind-ciphersuites
        ssl-default-bind-client-sigalgs ssl-default-bind-curves ssl-default-bind-options
        ssl-default-bind-sigalgs ssl-default-server-ciphers ssl-default-server-ciphersuites
        ssl-default-server-client-sigalgs ssl-default-server-curves ssl-default-server-options
        ssl-default-server-sigalgs ssl-dh-param-file ssl-engine ssl-load-extra-del-ext ssl-load-extra-files
        ssl-mode-async ssl-passphrase-cmd ssl-propquery ssl-provider ssl-provider-path ssl-security-level
        ssl-server-verify ssl-skip-self-issued-ca stats-file stick-table strict-limits thread-group
        thread-groups thread-hard-limit traces tune.applet.zero-copy-forwarding tune.buffers.limit
        tune.buffers.reserve tune.bufsize tune.bufsize.small tune.comp.maxlevel tune.disable-fast-forward
        tune.disable-zero-copy-forwarding tune.events.max-events-at-once tune.fail-alloc
        tune.fd.edge-triggered tune.glitches.kill.cpu-usage tune.h1.zero-copy-fwd-recv
        tune.h1.zero-copy-fwd-send tune.h2.be.glitches-threshold tune.h2.be.initial-window-size
        tune.h2.be.max-concurrent-streams tune.h2.be.rxbuf tune.h2.fe.glitches-threshold
        tune.h2.fe.initial-window-size tune.h2.fe.max-concurrent-streams tune.h2.fe.max-total-streams
        tune.h2.fe.rxbuf tune.h2.header-table-size tune.h2.initial-window-size
        tune.h2.max-concurrent-streams tune.h2.max-frame-size tune.h2.zero-copy-fwd-send tune.http.cookielen
        tune.http.logurilen tune.http.maxhdr tune.idle-pool.shared tune.idletimer
        tune.listener.default-shards tune.listener.multi-queue tune.lua.bool-sample-conversion
        tune.lua.burst-timeout tune.lua.forced-yield tune.lua.log.loggers tune.lua.log.stderr
        tune.lua.maxmem tune.lua.service-timeout tune.lua.session-timeout tune.lua.task-timeout
        tune.max-checks-per-thread tune.max-rules-at-once tune.maxaccept tune.maxpollevents tune.maxrewrite
        tune.memory.hot-size tune.notsent-lowat.client tune.notsent-lowat.server tune.pattern.cache-size
        tune.peers.max-updates-at-once tune.pipesize tune.pool-high-fd-ratio tune.pool-low-fd-ratio
        tune.pt.zero-copy-forwarding tune.quic.frontend.conn-tx-buffers.limit
        tune.quic.frontend.max-data-size tune.quic.frontend.max-idle-timeout
        tune.quic.frontend.max-streams-bidi tune.quic.max-frame-loss tune.quic.reorder-ratio
        tune.quic.retry-threshold tune.quic.socket-owner tune.quic.zero-copy-fwd-send tune.rcvbuf.backend
        tune.rcvbuf.client tune.rcvbuf.frontend tune.rcvbuf.server tune.recv_enough tune.renice.runtime
        tune.renice.startup tune.ring.queues tune.runqueue-depth tune.sched.low-latency tune.sndbuf.backend
        tune.sndbuf.client tune.sndbuf.frontend tune.sndbuf.server tune.ssl.cachesize
        tune.ssl.capture-buffer-size tune.ssl.capture-cipherlist-size tune.ssl.certificate-compression
        tune.ssl.default-dh-param tune.ssl.force-private-cache tune.ssl.hard-maxrecord tune.ssl.keylog
        tune.ssl.lifetime tune.ssl.maxrecord tune.ssl.ocsp-update.maxdelay tune.ssl.ocsp-update.mindelay
        tune.ssl.ssl-ctx-cache-size tune.stick-counters tune.takeover-other-tg-connections
        tune.vars.global-max-size tune.vars.proc-max-size tune.vars.reqres-max-size tune.vars.sess-max-size
        tune.vars.txn-max-size tune.zlib.memlevel tune.zlib.windowsize uid ulimit-n unique-id-format
        unique-id-header unix-bind unsetenv use-fcgi-app use-server use_backend user
        warn-blocked-traffic-after wurfl-cache-size wurfl-data-file wurfl-information-list
        wurfl-information-list-separator zero-warning
        tune.bufsize.large tune.cli.max-payload-size tune.defaults.purge tune.epoll.mask-events
        tune.fd.tables tune.h1.be.glitches-threshold tune.h1.fe.glitches-threshold
        tune.h2.be.max-frames-at-once tune.h2.fe.max-frames-at-once tune.h2.fe.max-rst-at-once
        tune.h2.log-errors tune.lua.openlibs tune.quic.be.cc.cubic-min-losses tune.quic.be.cc.hystart
        tune.quic.be.cc.max-frame-loss tune.quic.be.cc.max-win-size tune.quic.be.cc.reorder-ratio
        tune.quic.be.max-idle-timeout tune.quic.be.sec.glitches-threshold tune.quic.be.stream.data-ratio
        tune.quic.be.stream.max-concurrent tune.quic.be.stream.rxbuf tune.quic.be.tx.pacing
        tune.quic.be.tx.udp-gso tune.quic.fe.cc.cubic-min-losses tune.quic.fe.cc.hystart
        tune.quic.fe.cc.max-frame-loss tune.quic.fe.cc.max-win-size tune.quic.fe.cc.reorder-ratio
        tune.quic.fe.max-idle-timeout tune.quic.fe.sec.glitches-threshold tune.quic.fe.sec.retry-threshold
        tune.quic.fe.sock-per-conn tune.quic.fe.stream.data-ratio tune.quic.fe.stream.max-concurrent
        tune.quic.fe.stream.max-total tune.quic.fe.stream.rxbuf tune.quic.fe.tx.pacing
        tune.quic.fe.tx.udp-gso tune.quic.listen tune.quic.mem.tx-max tune.ssl.keyupdate-rate-limit
        tune.streams-elasticity cpu-affinity max-threads-per-group noktls httpclient.resolvers.disabled
        expose-deprecated-directives
        """)

    private static let families: [String: Set<String>] = [
        "capture": ["cookie", "request", "response"],
        "declare": ["capture"],
        "email-alert": ["from", "level", "mailers", "myhostname", "to"],
        "external-check": ["command", "path"],
        "http-after-response": set(
            """
            add-header add-headers-bin allow capture del-header del-headers-bin del-map do-log replace-header
            replace-value sc-add-gpc sc-inc-gpc sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt sc-set-gpt0 set-header
            set-headers-bin set-log-level set-map set-status set-var set-var-fmt strict-mode unset-var
            """),
        "http-check": set(
            """
            comment connect disable-on-404 expect send send-state set-var set-var-fmt unset-var
            """),
        "http-request": set(
            """
            add-acl add-header add-headers-bin allow attach-srv auth cache-use capture del-acl del-header
            del-headers-bin del-map deny disable-l7-retry do-log do-resolve early-hint normalize-uri pause redirect
            reject replace-header replace-path replace-pathq replace-uri replace-value return sc-add-gpc sc-inc-gpc
            sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt sc-set-gpt0 send-spoe-group set-bandwidth-limit set-bc-mark
            set-bc-tos set-dst set-dst-port set-fc-mark set-fc-tos set-header set-headers-bin set-log-level set-map
            set-mark set-method set-nice set-path set-pathq set-priority-class set-priority-offset set-query
            set-retries set-src set-src-port set-timeout set-tos set-uri set-var set-var-fmt silent-drop strict-mode
            tarpit track-sc0 track-sc1 track-sc2 unset-var use-service wait-for-body wait-for-handshake
            """),
        "http-response": set(
            """
            add-acl add-header add-headers-bin allow cache-store capture del-acl del-header del-headers-bin del-map
            deny do-log pause redirect replace-header replace-value return sc-add-gpc sc-inc-gpc sc-inc-gpc0
            sc-inc-gpc1 sc-set-gpt sc-set-gpt0 send-spoe-group set-bandwidth-limit set-fc-mark set-fc-tos set-header
            set-headers-bin set-log-level set-map set-mark set-nice set-status set-timeout set-tos set-var
            set-var-fmt silent-drop strict-mode track-sc0 track-sc1 track-sc2 unset-var wait-for-body
            """),
        "monitor": ["fail"],
        "option": set(
            """
            abortonclose accept-invalid-http-request accept-invalid-http-response allbackups checkcache
            clitcpka contstats disable-h2-upgrade dontlog-normal dontlognull external-check forwarded
            forwardfor h1-case-adjust-bogus-client h1-case-adjust-bogus-server http-buffer-request
            http-drop-request-trailers http-drop-response-trailers http-ignore-probes http-keep-alive
            http-no-delay http-pretend-keepalive http-restrict-req-hdr-names http-server-close
            http-use-proxy-header httpchk httpclose httplog httpslog idle-close-on-response
            independent-streams ldap-check log-health-checks log-separate-errors logasap mysql-check
            nolinger originalto persist pgsql-check prefer-last-server redis-check redispatch smtpchk
            socket-stats splice-auto splice-request splice-response spop-check srvtcpka ssl-hello-chk
            tcp-check tcp-smart-accept tcp-smart-connect tcpka tcplog transparent use-small-buffers
            """),
        "persist": ["rdp-cookie"],
        "rate-limit": ["sessions"],
        "stats": set(
            """
            admin auth bind-process enable hide-version http-request maxconn realm refresh scope
            show-desc show-legends show-node socket timeout uri
            """),
        "stick": ["match", "on", "store-request", "store-response"],
        "tcp-check": set(
            """
            comment connect expect send send-binary send-binary-lf send-lf set-var set-var-fmt unset-var
            """),
        "tcp-request": ["connection", "content", "inspect-delay", "session"],
        "tcp-response": ["content", "inspect-delay"],
        // Families of two words, whose members are actions.
        "tcp-request connection": set(
            """
            accept do-log expect-netscaler-cip reject sc-add-gpc sc-inc-gpc sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt
            sc-set-gpt0 set-dst set-dst-port set-fc-mark set-fc-tos set-mark set-src set-src-port set-tos set-var
            set-var-fmt silent-drop track-sc0 track-sc1 track-sc2 unset-var
            """),
        "tcp-request content": set(
            """
            accept capture do-log do-resolve reject sc-add-gpc sc-inc-gpc sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt
            sc-set-gpt0 send-spoe-group set-bandwidth-limit set-bc-mark set-bc-tos set-dst set-dst-port set-fc-mark
            set-fc-tos set-log-level set-mark set-nice set-priority-class set-priority-offset set-retries set-src
            set-src-port set-tos set-var set-var-fmt silent-drop switch-mode track-sc0 track-sc1 track-sc2 unset-var
            use-service
            """),
        "tcp-request session": set(
            """
            accept attach-srv do-log reject sc-add-gpc sc-inc-gpc sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt sc-set-gpt0
            set-dst set-dst-port set-fc-mark set-fc-tos set-mark set-src set-src-port set-tos set-var set-var-fmt
            silent-drop track-sc0 track-sc1 track-sc2 unset-var
            """),
        "tcp-response content": set(
            """
            accept close do-log reject sc-add-gpc sc-inc-gpc sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt sc-set-gpt0
            send-spoe-group set-bandwidth-limit set-fc-mark set-fc-tos set-log-level set-mark set-nice set-tos
            set-var set-var-fmt silent-drop unset-var
            """),
        "timeout": set(
            """
            check client client-fin client-hs connect http-keep-alive http-request mail queue server
            server-fin tarpit tunnel
            """),
    ]
}
