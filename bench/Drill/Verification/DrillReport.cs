using System.Globalization;
using System.Text;

namespace CozeCluster.Drill;

/// <summary>The result of a drill.</summary>
internal sealed class DrillReport(DrillOptions options, IReadOnlyList<ReplyResult> replies, ILookup<int, UpstreamChat> chats)
{
    private const int MaxViolationsShown = 20;

    /// <summary>What was wrong with the nodes themselves.</summary>
    public required IReadOnlyList<string> NodeProblems { get; init; }

    /// <summary>The channels that are left; null for drills on the fake Coze.</summary>
    public required LeftoverChannels? Leftovers { get; init; }

    /// <summary>The charges; null for drills without budgets.</summary>
    public required ChargeReport? Charges { get; init; }

    /// <summary>How often a node was killed or stopped.</summary>
    public required int Kills { get; init; }

    /// <summary>How long nodes were down, in total.</summary>
    public required TimeSpan Downtime { get; init; }

    /// <summary>How long the drill took.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Every violation; one that concerns a reply names it.</summary>
    public IReadOnlyList<string> Violations =>
    [
        .. NodeProblems,
        .. Leftovers?.Unexpected ?? [],
        .. Charges?.Violations ?? [],
        .. replies.SelectMany(reply => reply.Violations.Select(violation => $"reply {reply.Client.Plan.Index} ({reply.Client.TurnId}): {violation}")),
    ];

    /// <summary>Whether nothing was violated and all kills took place.</summary>
    public bool Succeeded => Violations.Count == 0 && Kills == options.Kills;

    public int Count(Outcome outcome) => replies.Count(reply => reply.Outcome == outcome);

    public int Sum(Func<StreamClient, int> value) => replies.Sum(reply => value(reply.Client));

    public override string ToString()
    {
        var text = new StringBuilder();
        var fake = options.Discord ? "Discord" : "Coze";
        var violations = Violations;
        text.AppendLine().AppendLine("| | |").AppendLine("|---|---:|");
        Row("replies", replies.Count);
        Row("whole, byte for byte", Count(Outcome.Whole));
        if (!options.Discord)
        {
            Row("cancelled by their client, and at the fake Coze", Count(Outcome.Cancelled));
            Row("cancelled too late", replies.Count(reply => reply.Outcome == Outcome.Whole && reply.Client.CancelStatus is not null));
        }
        Row("of unknown outcome: killed between intent and handle", Count(Outcome.OutcomeUnknown));
        Row($"– of these, arrived at the fake {fake}", replies.Count(reply => reply is { Outcome: Outcome.OutcomeUnknown, Chats.Count: > 0 }));
        Row("failed otherwise, or unfinished", Count(Outcome.Failed) + Count(Outcome.Unfinished));
        Row(options.Rolling ? "nodes stopped and started again" : "nodes killed and started again", Kills);
        var downtime = Downtime.TotalSeconds.ToString("f1", CultureInfo.InvariantCulture);
        Row(options.IsCluster ? "– seconds with one node less" : "– seconds without a node", downtime);
        Row("connections cut by their client", Sum(client => client.Cuts));
        Row("connections lost or refused", Sum(client => client.LostConnections));
        Row("requests refused by a node that starts or stops", Sum(client => client.Rejections));
        Row("resumed behind a Last-Event-ID", Sum(client => client.Resumes));
        Row("requests repeated with the idempotency key", Sum(client => client.RepeatedRequests));
        Row("characters of text and reasoning", Sum(client => client.Reply.Text.Length + client.Reply.Reasoning.Length));
        Row("times that text was rewritten", Sum(client => client.Reply.Rewrites));
        Row($"{(options.Discord ? "prompts posted" : "chats begun")} at the fake {fake}", chats.Sum(group => group.Count()));
        Row("turns with more than one", replies.Count(reply => reply.Chats.Count > 1));
        if (!options.Discord) Row("deltas made after a cancel", chats.SelectMany(group => group).Sum(chat => chat.DeltasAfterCancel));
        var ofKnownOutcome = replies.Where(reply => reply.Outcome != Outcome.OutcomeUnknown);
        Row("chats left open", ofKnownOutcome.SelectMany(reply => reply.Chats).Count(chat => chat.IsRunning));
        if (Leftovers is not null) Row("channels left open", Leftovers.Unexpected.Count);
        if (Leftovers is not null) Row("– of unknown outcome, kept until no turn can run in them", Leftovers.Excused);
        if (Charges is { } charges)
        {
            Row("turns settled", charges.Settled);
            Row("– of these, at nothing: cancelled before anything was produced, or failed", charges.Nothing);
            Row("– of these, although their clients had received text: lost with a node, and cancelled before a client was back", charges.Lost);
            Row("cancelled turns whose text was lost with a node, charged for what their clients had received", charges.Shown);
            Row("– of these, for all of it: their gateway stayed, or the reply had one part", charges.ShownWhole);
            Row("turns of unknown outcome, whose reservation is kept apart", charges.Unknown);
            Row($"requests used by them, of a budget of {options.Budget}", charges.Used);
            Row("requests accepted afterwards, until nothing was left", charges.AcceptedAfterwards);
        }
        Quantiles("longest silence of a stream, s", [.. replies.Select(reply => reply.Client.LongestSilence)]);
        Quantiles("from a reply's end at the upstream to its client's, s", [.. replies.Select(reply => reply.EndDelay).OfType<TimeSpan>()]);
        Row("violations", violations.Count);
        text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"Seed {options.Seed}; {Duration.TotalSeconds:f0} s.");
        if (Kills < options.Kills)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"Only {Kills} of {options.Kills} kills took place, because all replies had ended. This run proves less than it should.");
        }
        foreach (var violation in violations.Take(MaxViolationsShown)) text.AppendLine(violation);
        if (violations.Count > MaxViolationsShown) text.AppendLine(CultureInfo.InvariantCulture, $"… and {violations.Count - MaxViolationsShown} more");
        return text.ToString().TrimEnd();

        void Quantiles(string name, IReadOnlyList<TimeSpan> times)
        {
            if (times.Count == 0) return;
            var sorted = times.Order().ToList();
            var values = new[] { 0.5, 0.99, 1 }.Select(fraction => sorted[(int)Math.Ceiling(fraction * sorted.Count) - 1]);
            Row($"{name}: p50, p99, most", string.Join(", ", values.Select(value => value.TotalSeconds.ToString("f2", CultureInfo.InvariantCulture))));
        }

        void Row(string name, object value) => text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {value} |");
    }
}
