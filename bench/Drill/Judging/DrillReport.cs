using System.Globalization;
using System.Text;

namespace CozeCluster.Drill;

/// <summary>What came of a drill.</summary>
internal sealed class DrillReport(
    DrillOptions options, IReadOnlyList<Finding> findings, IReadOnlyList<string> troubles, ChannelsLeft? left, int kills, TimeSpan down, TimeSpan took, ILookup<int, FarChat> chats)
{
    private const int MostTold = 20;

    /// <summary>Every violation, with the reply it is about if it is about one.</summary>
    public IReadOnlyList<string> Violations { get; } =
        [.. troubles, .. left?.Open ?? [], .. findings.SelectMany(finding => finding.Faults.Select(fault => $"reply {finding.Client.Plan.Index} ({finding.Client.TurnId}): {fault}"))];

    /// <summary>How often the node was killed.</summary>
    public int Kills => kills;

    /// <summary>Whether all that was asked for happened, and nothing else.</summary>
    public bool IsGood => Violations.Count == 0 && kills == options.Kills;

    public int Count(Outcome outcome) => findings.Count(finding => finding.Outcome == outcome);

    public int Sum(Func<StreamClient, int> value) => findings.Sum(finding => value(finding.Client));

    public override string ToString()
    {
        var text = new StringBuilder();
        var fake = options.Discord ? "Discord" : "Coze";
        text.AppendLine().AppendLine("| | |").AppendLine("|---|---:|");
        Row("replies", findings.Count);
        Row("whole, byte for byte", Count(Outcome.Whole));
        if (!options.Discord)
        {
            Row("cancelled by their client, and at the fake Coze", Count(Outcome.Cancelled));
            Row("cancelled too late", findings.Count(finding => finding.Outcome == Outcome.Whole && finding.Client.CancelAnswer is not null));
        }
        Row("of unknown outcome: killed between intent and handle", Count(Outcome.OutcomeUnknown));
        Row($"– of these, at the fake {fake} all the same", findings.Count(finding => finding is { Outcome: Outcome.OutcomeUnknown, Chats.Count: > 0 }));
        Row("failed otherwise, or unfinished", Count(Outcome.Failed) + Count(Outcome.Unfinished));
        Row(options.Rolling ? "nodes stopped and started again" : "nodes killed and started again", kills);
        Row(options.IsCluster ? "– seconds with a node less" : "– seconds without a node", down.TotalSeconds.ToString("f1", CultureInfo.InvariantCulture));
        Row("connections cut by their client", Sum(client => client.Cuts));
        Row("connections lost or refused", Sum(client => client.Lost));
        Row("requests turned away by a node on its way up or down", Sum(client => client.Refused));
        Row("resumed behind a Last-Event-ID", Sum(client => client.Resumed));
        Row("asked again under the idempotency key", Sum(client => client.AskedAgain));
        Row("characters of text and reasoning", Sum(client => client.Reply.Text.Length + client.Reply.Reasoning.Length));
        Row("times that text was rewritten", Sum(client => client.Reply.Rewrites));
        Row($"{(options.Discord ? "prompts posted" : "chats begun")} at the fake {fake}", chats.Sum(group => group.Count()));
        Row("turns with more than one", findings.Count(finding => finding.Chats.Count > 1));
        if (!options.Discord) Row("deltas made after a cancel", chats.SelectMany(group => group).Sum(chat => chat.DeltasAfterCancel));
        Row("chats left open", findings.Where(finding => finding.Outcome != Outcome.OutcomeUnknown).SelectMany(finding => finding.Chats).Count(chat => chat.IsRunning));
        if (left is not null) Row("channels left open", left.Open.Count);
        if (left is not null) Row("– of unknown outcome, left until no turn can run in them", left.Excused);
        Spread("longest silence of a stream, s", [.. findings.Select(finding => finding.Client.LongestSilence)]);
        Spread("from a chat's end to its client's, s", [.. findings.Select(finding => finding.Late).OfType<TimeSpan>()]);
        Row("violations", Violations.Count);
        text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"Seed {options.Seed}; {took.TotalSeconds:f0} s.");
        if (kills < options.Kills) text.AppendLine(CultureInfo.InvariantCulture, $"All replies had ended before kill {kills + 1} of {options.Kills}: this run proves less than it was asked to.");
        foreach (var violation in Violations.Take(MostTold)) text.AppendLine(violation);
        if (Violations.Count > MostTold) text.AppendLine(CultureInfo.InvariantCulture, $"… and {Violations.Count - MostTold} more");
        return text.ToString().TrimEnd();

        void Spread(string what, IReadOnlyList<TimeSpan> times)
        {
            if (times.Count == 0) return;
            var sorted = times.Order().ToList();
            Row($"{what}: p50, p99, most", string.Join(", ", new[] { 0.5, 0.99, 1 }.Select(part => sorted[(int)Math.Ceiling(part * sorted.Count) - 1].TotalSeconds.ToString("f2", CultureInfo.InvariantCulture))));
        }

        void Row(string what, object value) => text.AppendLine(CultureInfo.InvariantCulture, $"| {what} | {value} |");
    }
}
