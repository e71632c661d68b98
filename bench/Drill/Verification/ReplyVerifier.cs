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

/// <summary>The result of one reply.</summary>
/// <param name="Client">The client that received it.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Chats">The chats that were begun for it at the fake upstream.</param>
/// <param name="Violations">Everything that is wrong.</param>
internal sealed record ReplyResult(StreamClient Client, Outcome Outcome, IReadOnlyList<UpstreamChat> Chats, IReadOnlyList<string> Violations)
{
    /// <summary>The time from the end at the fake upstream to the end at the client; null unless the reply is whole and its end was visible.</summary>
    public TimeSpan? EndDelay =>
        Outcome == Outcome.Whole && Chats is [{ EndedAt: { } ended, HasVisibleEnd: true }, ..] ? Client.EndedAt - ended : null;
}

/// <summary>Compares what a client received with what the fake upstream sent, and with what the node returns afterwards.</summary>
/// <param name="record">The record of the fake upstream.</param>
/// <param name="http">A client.</param>
/// <param name="node">The address of a node.</param>
/// <param name="chats">The chats at the fake upstream, by the number of their reply.</param>
/// <param name="killed">Whether nodes were killed; then turns of unknown outcome are allowed.</param>
internal sealed class ReplyVerifier(IUpstreamRecord record, HttpClient http, Uri node, ILookup<int, UpstreamChat> chats, bool killed)
{
    public async Task<ReplyResult> VerifyAsync(StreamClient client, CancellationToken cancellationToken)
    {
        var violations = new List<string>(client.Reply.Faults);
        var ownChats = chats[client.Plan.Index].ToList();
        var outcome = OutcomeOf(client);
        // CozeCluster does not know the chat of a turn of unknown outcome, so it cannot end it.
        if (outcome != Outcome.OutcomeUnknown && ownChats.Exists(chat => chat.IsRunning)) violations.Add("the chat is still running");
        if (ownChats.Count > 1) violations.Add($"{ownChats.Count} chats were begun");
        switch (outcome)
        {
            case Outcome.Whole when ownChats.Count == 0:
                violations.Add("no chat was begun");
                break;
            case Outcome.Whole:
                await VerifyWholeAsync(client, ownChats[0], violations, cancellationToken);
                break;
            case Outcome.Cancelled when client.CancelStatus is null:
                violations.Add("the turn was cancelled, but not by the client");
                break;
            case Outcome.Cancelled:
                // A chat may have ended before the cancellation reached it, as while the node was down. It must not continue after the client was notified.
                if (ownChats.Find(chat => chat.Status != "canceled" && !(chat.EndedAt <= client.EndedAt)) is { } other)
                    violations.Add($"the chat is {other.Status}");
                await VerifyBeginningAsync(client, violations, cancellationToken);
                break;
            case Outcome.OutcomeUnknown:
                if (!killed) violations.Add("the outcome is unknown, but no node was killed");
                if (client.Reply.LastEventId is not null) violations.Add("the outcome is unknown, but a part of the reply was delivered");
                break;
            case Outcome.Failed:
                violations.Add($"the reply failed: {client.ErrorCode}");
                break;
            case Outcome.Unfinished:
                violations.Add("the reply has not ended");
                break;
        }
        return new ReplyResult(client, outcome, ownChats, violations);
    }

    private static Outcome OutcomeOf(StreamClient client) => client switch
    {
        { HasEnded: false } => Outcome.Unfinished,
        { ErrorCode: null } => Outcome.Whole,
        { ErrorCode: "cancelled" } => Outcome.Cancelled,
        { ErrorCode: "upstream_outcome_unknown" } => Outcome.OutcomeUnknown,
        _ => Outcome.Failed,
    };

    private async Task VerifyWholeAsync(StreamClient client, UpstreamChat chat, List<string> violations, CancellationToken cancellationToken)
    {
        if (chat.Status != "completed") violations.Add($"the chat is {chat.Status}");
        if (client.CancelStatus == "cancelled") violations.Add("the cancellation was confirmed, but the reply is whole");
        if (client.Reply.FinishReason != "stop") violations.Add($"the finish reason is '{client.Reply.FinishReason}'");
        var sent = await record.GetReplyAsync(chat, cancellationToken);
        Compare("the text", sent.Text, client.Reply.Text, violations);
        Compare("the reasoning", sent.Reasoning, client.Reply.Reasoning, violations);
        Compare("the list of follow-ups", string.Join('\n', sent.FollowUps), string.Join('\n', client.Reply.FollowUps), violations);
        Compare("the list of events", string.Join('\n', sent.Events), string.Join('\n', client.Reply.Events), violations);

        using var turn = await GetTurnAsync(client, cancellationToken);
        if (turn.RootElement.GetProperty("status").GetString() is not "completed" and var status) violations.Add($"the turn is {status}");
        var message = turn.RootElement.GetProperty("reply").GetProperty("choices")[0].GetProperty("message");
        Compare("the text of the turn", sent.Text, message.GetProperty("content").GetString() ?? "", violations);
    }

    /// <summary>Checks that a cancelled reply is the beginning of the complete reply.</summary>
    private async Task VerifyBeginningAsync(StreamClient client, List<string> violations, CancellationToken cancellationToken)
    {
        var complete = await record.SendAsync(client.Plan.PromptWithoutPauses, cancellationToken);
        if (!complete.Text.StartsWith(client.Reply.Text, StringComparison.Ordinal))
            Compare("the text before the cancellation", complete.Text, client.Reply.Text, violations);
        if (!complete.Reasoning.StartsWith(client.Reply.Reasoning, StringComparison.Ordinal))
            Compare("the reasoning before the cancellation", complete.Reasoning, client.Reply.Reasoning, violations);
        using var turn = await GetTurnAsync(client, cancellationToken);
        if (turn.RootElement.GetProperty("status").GetString() is not "cancelled" and var status) violations.Add($"the turn is {status}");
    }

    private async Task<JsonDocument> GetTurnAsync(StreamClient client, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(node, $"v1/turns/{client.TurnId}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Stage.Key);
        using var response = await http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
    }

    private static void Compare(string name, string sent, string received, List<string> violations)
    {
        if (sent == received) return;
        var same = sent.AsSpan().CommonPrefixLength(received);
        violations.Add(
            $"{name} differs from character {same} on: " +
            $"sent {Excerpt(sent, same)} (of {sent.Length}), received {Excerpt(received, same)} (of {received.Length})");
    }

    private static string Excerpt(string text, int at) => $"\"{text[Math.Max(0, at - 8)..Math.Min(text.Length, at + 16)].ReplaceLineEndings("⏎")}\"";
}
