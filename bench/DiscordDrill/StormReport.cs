namespace CozeCluster.DiscordDrill;

/// <summary>The result of a storm.</summary>
internal sealed record StormReport(DrillOptions Options, TimeSpan Duration, int Disconnections)
{
    private const int MaxErrorsShown = 5;

    public required int Exact { get; init; }
    public required int Crossed { get; init; }
    public required IReadOnlyList<string> Errors { get; init; }
    public required int OutOfOrder { get; init; }
    public required int ChannelsLeft { get; init; }
    public required long DoubleSends { get; init; }
    public required long Resumed { get; init; }
    public required long Identified { get; init; }
    public required long RateLimited { get; init; }
    public required DurationSummary FirstText { get; init; }

    public bool Succeeded => Exact == Turns && Crossed == 0 && OutOfOrder == 0 && ChannelsLeft == 0 && DoubleSends == 0;

    private int Turns => Options.Conversations * Options.Turns;

    public override string ToString() => $"""
        | storm, seed {Options.Seed} | |
        |---|---|
        | conversations at once, turns of each | {Options.Conversations}, {Options.Turns} |
        | took | {Duration.TotalSeconds:0} s |
        | replies that arrived exactly | {Exact} of {Turns} |
        | failed | {Errors.Count} |
        | crossed | {Crossed} |
        | conversations out of order, or in more than one channel | {OutOfOrder} |
        | messages posted twice | {DoubleSends} |
        | channels left | {ChannelsLeft} |
        | listeners disconnected | {Disconnections} times; {Resumed} resumed, {Identified} identified |
        | requests answered with 429 | {RateLimited} |
        | from event to client, first text | {FirstText} |
        {string.Concat(Errors.Distinct().Take(MaxErrorsShown).Select(error => $"\n{error}"))}
        """;
}
