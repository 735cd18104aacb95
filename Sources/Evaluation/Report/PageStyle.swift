/// How the report looks, in light and in dark.
enum PageStyle {
    /// Series colours follow Okabe and Ito (2008): they can be told apart by colour-blind readers.
    static let css = """
        :root { color-scheme: light dark;
          --paper: #ffffff; --ink: #1c1f24; --soft: #5c6570; --line: #d9dee4; --panel: #f5f7f9; --mark: #0b6e4f;
          --s0: #0072b2; --s1: #d55e00; --s2: #009e73; --s3: #aa5a8c; --s4: #8a7400; --s5: #6b7683; }
        @media (prefers-color-scheme: dark) { :root {
          --paper: #14171b; --ink: #e6e9ed; --soft: #98a2ae; --line: #333a42; --panel: #1c2127; --mark: #5fd0a6;
          --s0: #56b4e9; --s1: #f08a4b; --s2: #3cc9a0; --s3: #d99cc0; --s4: #e0cf4a; --s5: #8a95a1; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; padding: 24px 20px 64px; max-width: 1120px; background: var(--paper); color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
        h1 { font-size: 26px; line-height: 1.2; margin: 8px 0 4px; }
        h2 { font-size: 19px; margin: 40px 0 6px; padding-top: 16px; border-top: 1px solid var(--line); }
        h3 { font-size: 15px; margin: 20px 0 6px; }
        p { margin: 6px 0; max-width: 82ch; }
        .note, small, figcaption, .soft { color: var(--soft); }
        small { font-size: 11.5px; white-space: nowrap; display: block; line-height: 1.25; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 13.5px; }
        th, td { padding: 5px 10px 5px 0; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line); }
        thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; font-size: 12.5px; }
        tbody th { font-weight: 500; text-align: left; white-space: nowrap; }
        thead th:first-child { text-align: left; }
        tr:hover td, tr:hover th[scope] { background: var(--panel); }
        .best { color: var(--mark); font-weight: 650; } .best small { font-weight: 400; }
        td { white-space: nowrap; }
        table.words td { white-space: normal; }
        table.words td, table.words thead th { text-align: left; overflow-wrap: anywhere; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 8px 0; font-size: 13.5px; }
        dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
        .charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 12px 20px; }
        figure { margin: 0; } figcaption { font-size: 12.5px; margin: 2px 0 6px; }
        figure > figcaption b { color: var(--ink); font-weight: 600; }
        svg { display: block; width: 100%; height: auto; }
        svg text { fill: var(--soft); font: 11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
        svg .name { fill: var(--ink); font-size: 12px; }
        svg .grid { stroke: var(--line); stroke-width: 1; }
        .legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 12.5px; color: var(--soft); margin: 6px 0 10px; }
        .legend i { display: inline-block; width: 18px; height: 4px; border-radius: 2px; margin-right: 6px;
          vertical-align: middle; }
        .overlays { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px 12px; max-width: 860px; }
        .overlays h3 { grid-column: 1 / -1; margin: 14px 0 0; }
        .overlays img { width: 100%; height: 230px; object-fit: contain; background: #000; border-radius: 4px; }
        details { margin: 8px 0; } summary { cursor: pointer; font-weight: 600; font-size: 14px; }
        .warning { border-left: 4px solid var(--s1); background: var(--panel); padding: 8px 14px; }
        """
    /// Colours of series in the order of their use.
    static let seriesCount = 6

    static func series(_ index: Int) -> String { "var(--s\(index % seriesCount))" }
}
