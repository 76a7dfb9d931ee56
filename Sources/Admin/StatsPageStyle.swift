// How the stats page looks. Colours are named once for light and once for dark.

enum StatsPageStyle {
    /// Six columns under a roof, for the tab.
    static let icon: StaticString = """
        <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
        %3Cpath fill='%232f6feb' d='M8 1 1 5v1.5h14V5zM2 8h2v5H2zm5 0h2v5H7zm5 0h2v5h-2zM1 14h14v1.5H1z'/%3E%3C/svg%3E">

        """

    /// The same, for the banner.
    static let mark: StaticString = """
        <svg viewBox="0 0 16 16" width="22" height="22" aria-hidden="true"><path fill="currentColor" \
        d="M8 1 1 5v1.5h14V5zM2 8h2v5H2zm5 0h2v5H7zm5 0h2v5h-2zM1 14h14v1.5H1z"/></svg>
        """

    static let sheet: StaticString = """
        :root {
          --page: #f4f5f7; --card: #fff; --ink: #1c2330; --soft: #667085; --faint: #b3bac5; --line: #e4e7ec;
          --head: #fafbfc; --accent: #2f6feb; --good: #1a7f4b; --bad: #c4281c; --chg: #a15c00; --idle: #667085;
          --good-bg: #e3f5ea; --bad-bg: #fde8e6; --chg-bg: #fdf0d9; --idle-bg: #eceef2;
          --r1: #98a2b3; --r2: #3aa76d; --r3: #4f8ff0; --r4: #e0a030; --r5: #d64538; --r6: #98a2b3;
        }
        @media (prefers-color-scheme: dark) { :root {
          --page: #0f1319; --card: #171c24; --ink: #e3e8ef; --soft: #98a3b3; --faint: #56606f; --line: #272e39;
          --head: #1b212a; --accent: #6ea2ff; --good: #56d08f; --bad: #ff8579; --chg: #eab455; --idle: #a4aebc;
          --good-bg: #15301f; --bad-bg: #3d1a18; --chg-bg: #382a10; --idle-bg: #262d37;
          --r1: #6b7686; --r2: #3d9d6a; --r3: #4a82d9; --r4: #c48c2b; --r5: #d2554a; --r6: #6b7686;
        } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink);
          font: 14px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
          font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; }
        header, main, footer { max-width: 1680px; margin: 0 auto; padding: 0 24px; }
        header { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 20px; padding-top: 20px; }
        h1 { display: flex; align-items: center; gap: 9px; margin: 0; font-size: 20px; letter-spacing: -.01em; }
        h1 svg { color: var(--accent); }
        h1 small, h2 small { font-size: 13px; font-weight: 400; color: var(--soft); letter-spacing: 0; }
        .node { margin: 0; color: var(--soft); }
        .node b { color: var(--ink); font-weight: 600; }
        nav { display: flex; gap: 4px; margin-left: auto; }
        a { color: var(--accent); text-decoration: none; }
        a:hover { text-decoration: underline; }
        nav a { padding: 4px 11px; border: 1px solid var(--line); border-radius: 7px; background: var(--card);
          color: var(--ink); font-size: 13px; }
        nav a:hover { border-color: var(--accent); color: var(--accent); text-decoration: none; }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
        .tiles { display: grid; grid-template-columns: repeat(8, 1fr); gap: 1px; margin: 16px 0 0;
          overflow: hidden; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
        .tiles div { padding: 11px 16px 10px; box-shadow: 0 0 0 1px var(--line); }
        dt { font-size: 12px; color: var(--soft); white-space: nowrap; }
        dd { margin: 1px 0 0; font-size: 20px; font-weight: 600; letter-spacing: -.01em; white-space: nowrap; }
        dd small { font-size: 12px; font-weight: 400; color: var(--soft); letter-spacing: 0; }
        dd.good, dd.bad { color: var(--c); }
        .trouble { margin: 16px 0 0; padding: 9px 16px; border-radius: 10px; background: var(--bad-bg);
          color: var(--bad); }
        .trouble a { color: inherit; text-decoration: underline; text-underline-offset: 2px; }
        section { margin-top: 24px; scroll-margin-top: 12px; }
        h2 { margin: 0 0 7px 2px; font-size: 15px; overflow-wrap: anywhere; }
        h2 small { margin-left: 6px; }
        .scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
        section:target .scroll { border-color: var(--accent); }
        table { width: 100%; border-collapse: separate; border-spacing: 0; }
        th, td { padding: 6px 7px; border-top: 1px solid var(--line); text-align: right; white-space: nowrap;
          vertical-align: middle; }
        thead th { border-top: 0; background: var(--head); color: var(--soft); font-size: 12px; font-weight: 500;
          vertical-align: bottom; line-height: 1.25; }
        thead small { display: block; font-size: 11px; font-weight: 400; opacity: .8; }
        th:first-child { position: sticky; left: 0; z-index: 1; min-width: 110px; max-width: 300px; overflow: hidden;
          text-overflow: ellipsis; background: var(--card); }
        thead th:first-child { padding-left: 14px; }
        thead th:first-child, tbody tr:hover > *, tfoot > tr > * { background: var(--head) !important; }
        th:last-child, td:last-child { padding-right: 14px; }
        th:first-child, thead th:nth-child(2), [id] thead th:nth-child(3), .l { text-align: left; }
        tbody th, tfoot th { padding-left: 14px; font-weight: 600; box-shadow: inset 3px 0 var(--c); }
        tbody small { display: block; font-size: 12px; font-weight: 400; color: var(--soft); max-width: 260px;
          overflow: hidden; text-overflow: ellipsis; }
        th i { padding: 0 5px; border: 1px solid var(--line); border-radius: 5px; color: var(--soft); font-size: 11px;
          font-style: normal; font-weight: 400; }
        .good { --c: var(--good); --b: var(--good-bg); }
        .bad { --c: var(--bad); --b: var(--bad-bg); }
        .chg { --c: var(--chg); --b: var(--chg-bg); }
        .idle { --c: var(--faint); --b: var(--idle-bg); --t: var(--idle); }
        .s { display: inline-block; min-width: 44px; padding: 1px 8px; border-radius: 99px; background: var(--b);
          color: var(--t, var(--c)); font-size: 12px; font-weight: 600; text-align: center; }
        .m { color: var(--soft); }
        .z { color: var(--faint); }
        .z .m { color: inherit; }
        .f { color: var(--bad); font-weight: 600; }
        .bad small, .chg small { color: var(--c); }
        .bad th small, .chg th small { color: var(--soft); }
        .u { display: block; height: 3px; margin-top: 3px; border-radius: 2px;
          background: linear-gradient(to right, var(--accent) var(--p), var(--line) 0); }
        .r { display: flex; gap: 1px; width: 64px; height: 8px; margin-left: auto; overflow: hidden;
          border-radius: 4px; }
        .r b { min-width: 2px; }
        .r1 { background: var(--r1); } .r2 { background: var(--r2); } .r3 { background: var(--r3); }
        .r4 { background: var(--r4); } .r5 { background: var(--r5); } .r6 { background: var(--r6); }
        footer { padding-top: 18px; padding-bottom: 28px; color: var(--soft); font-size: 12px; }
        @media (max-width: 1500px) {
          header, main, footer { padding-left: 16px; padding-right: 16px; }
          th, td { padding-left: 5px; padding-right: 5px; }
          th:first-child { min-width: 84px; }
          .r { width: 48px; }
        }
        @media (max-width: 1280px) { .tiles { grid-template-columns: repeat(4, 1fr); } }
        @media (max-width: 640px) {
          header, main, footer { padding-left: 12px; padding-right: 12px; }
          nav { margin-left: 0; }
          .tiles { grid-template-columns: repeat(2, 1fr); }
          .tiles div { padding: 8px 12px; }
          dd { font-size: 17px; }
          th, td { padding: 6px 8px; }
          th:first-child { min-width: 92px; max-width: 150px; }
        }
        @media print { nav { display: none; } body { background: none; } }

        """
}
