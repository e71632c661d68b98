using System.Net.Http.Headers;
using System.Text.Json;

namespace CozeCluster.Drill;

/// <summary>How a reply ended.</summary>
internal enum Outcome
{
    Whole,
    Cancelled,
    OutcomeUnknown,
    Failed,
    Unfinished,
}

/// <summary>What was found of one reply.</summary>
/// <param name="Client">Its client.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Chats">The chats that the fake was asked to begin for it.</param>
/// <param name="Faults">Everything that is not as it should be.</param>
internal sealed record Finding(StreamClient Client, Outcome Outcome, IReadOnlyList<FarChat> Chats, IReadOnlyList<string> Faults)
{
    /// <summary>From its end at the fake to its end at the client; null unless it is whole, and its end was to be seen.</summary>
    public TimeSpan? Late => Outcome == Outcome.Whole && Chats is [{ EndedAt: { } ended, TellsItsEnd: true }, ..] ? Client.EndedAt - ended : null;
}

/// <summary>Holds what a client got against what the fake said, and against what the node says afterwards.</summary>
internal sealed class Judge(IFarRecord record, HttpClient http, Uri door, ILookup<int, FarChat> chats, bool killed)
{
    public async Task<Finding> JudgeAsync(StreamClient client, CancellationToken cancellationToken)
    {
        var faults = new List<string>(client.Reply.Faults);
        var mine = chats[client.Plan.Index].ToList();
        var outcome = OutcomeOf(client);
        // One that nobody could know of ends by itself.
        if (outcome != Outcome.OutcomeUnknown && mine.Any(chat => chat.IsRunning)) faults.Add("its chat was left open");
        if (mine.Count > 1) faults.Add($"{mine.Count} chats were begun");
        switch (outcome)
        {
            case Outcome.Whole:
                if (mine.Count == 0) faults.Add("no chat was begun");
                else await WholeAsync(client, mine[0], faults, cancellationToken);
                break;
            case Outcome.Cancelled:
                if (client.CancelAnswer is null)
                {
                    faults.Add("it was cancelled, but not by us");
                    break;
                }
                // A chat may have come to its end before anybody could tell it to stop, as while the node was dead; but none goes on once its client was told that it is over.
                if (mine.FirstOrDefault(chat => chat.Status != "canceled" && !(chat.EndedAt <= client.EndedAt)) is { } other) faults.Add($"its chat is {other.Status}");
                await BeginningAsync(client, faults, cancellationToken);
                break;
            case Outcome.OutcomeUnknown:
                if (!killed) faults.Add("its outcome is unknown, but nobody was killed");
                if (client.Reply.LastEventId is not null) faults.Add("its outcome is unknown, but some of it had been told");
                break;
            case Outcome.Failed:
                faults.Add($"it failed: {client.ErrorCode}");
                break;
            case Outcome.Unfinished:
                faults.Add("it has no end");
                break;
        }
        return new Finding(client, outcome, mine, faults);
    }

    private static Outcome OutcomeOf(StreamClient client) => client switch
    {
        { HasEnded: false } => Outcome.Unfinished,
        { ErrorCode: null } => Outcome.Whole,
        { ErrorCode: "cancelled" } => Outcome.Cancelled,
        { ErrorCode: "upstream_outcome_unknown" } => Outcome.OutcomeUnknown,
        _ => Outcome.Failed,
    };

    private async Task WholeAsync(StreamClient client, FarChat chat, List<string> faults, CancellationToken cancellationToken)
    {
        if (chat.Status != "completed") faults.Add($"its chat is {chat.Status}");
        if (client.CancelAnswer == "cancelled") faults.Add("it was answered that it is cancelled");
        if (client.Reply.FinishReason != "stop") faults.Add($"it ended with '{client.Reply.FinishReason}'");
        var said = await record.ReplyAsync(chat.ConversationId, chat.Id, cancellationToken);
        Compare("the text", said.Text, client.Reply.Text, faults);
        Compare("the reasoning", said.Reasoning, client.Reply.Reasoning, faults);
        Compare("follow-ups", string.Join('\n', said.FollowUps), string.Join('\n', client.Reply.FollowUps), faults);
        Compare("events", string.Join('\n', said.Events), string.Join('\n', client.Reply.Events), faults);

        using var turn = await TurnAsync(client, cancellationToken);
        if (turn.RootElement.GetProperty("status").GetString() is not "completed" and var status) faults.Add($"the turn is {status}");
        var message = turn.RootElement.GetProperty("reply").GetProperty("choices")[0].GetProperty("message");
        Compare("the text of the turn", said.Text, message.GetProperty("content").GetString() ?? "", faults);
    }

    /// <summary>What came before a reply was cancelled is the beginning of what would have come.</summary>
    private async Task BeginningAsync(StreamClient client, List<string> faults, CancellationToken cancellationToken)
    {
        var said = await record.AskAsync(client.Plan.PromptAtOnce, cancellationToken);
        if (!said.Text.StartsWith(client.Reply.Text, StringComparison.Ordinal)) Compare("the text so far", said.Text, client.Reply.Text, faults);
        if (!said.Reasoning.StartsWith(client.Reply.Reasoning, StringComparison.Ordinal)) Compare("the reasoning so far", said.Reasoning, client.Reply.Reasoning, faults);
        using var turn = await TurnAsync(client, cancellationToken);
        if (turn.RootElement.GetProperty("status").GetString() is not "cancelled" and var status) faults.Add($"the turn is {status}");
    }

    private async Task<JsonDocument> TurnAsync(StreamClient client, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(door, $"v1/turns/{client.TurnId}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Stage.Key);
        using var response = await http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
    }

    private static void Compare(string what, string said, string told, List<string> faults)
    {
        if (said == told) return;
        var same = said.AsSpan().CommonPrefixLength(told);
        faults.Add($"{what} differs from character {same} on: said {Around(said, same)} (of {said.Length}), told {Around(told, same)} (of {told.Length})");
    }

    private static string Around(string text, int at) => $"\"{text[Math.Max(0, at - 8)..Math.Min(text.Length, at + 16)].ReplaceLineEndings("⏎")}\"";
}
