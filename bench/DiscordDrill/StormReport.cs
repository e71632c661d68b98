namespace CozeCluster.DiscordDrill;

/// <summary>What a storm came to.</summary>
internal sealed record StormReport(DrillOptions Options, TimeSpan Took, int Cuts)
{
    private const int ErrorsShown = 5;

    public required int Exact { get; init; }
    public required int Crossed { get; init; }
    public required IReadOnlyList<string> Errors { get; init; }
    public required int Disordered { get; init; }
    public required int Left { get; init; }
    public required long DoubleSends { get; init; }
    public required long Resumed { get; init; }
    public required long Identified { get; init; }
    public required long RateLimited { get; init; }
    public required Spread First { get; init; }

    public bool IsGood => Exact == Turns && Crossed == 0 && Disordered == 0 && Left == 0 && DoubleSends == 0;

    private int Turns => Options.Conversations * Options.Turns;

    public override string ToString() => $"""
        | storm, seed {Options.Seed} | |
        |---|---|
        | conversations at once, turns of each | {Options.Conversations}, {Options.Turns} |
        | took | {Took.TotalSeconds:0} s |
        | replies that arrived exactly | {Exact} of {Turns} |
        | failed | {Errors.Count} |
        | crossed | {Crossed} |
        | conversations out of order, or in more than one channel | {Disordered} |
        | messages posted twice | {DoubleSends} |
        | channels left | {Left} |
        | listeners cut off | {Cuts} times; {Resumed} resumed, {Identified} identified |
        | requests answered with 429 | {RateLimited} |
        | from event to client, first text | {First} |
        {string.Concat(Errors.Distinct().Take(ErrorsShown).Select(error => $"\n{error}"))}
        """;
}
