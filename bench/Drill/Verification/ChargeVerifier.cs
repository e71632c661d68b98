using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Drill;

/// <summary>What the row of a turn says about its charge.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="State">1 reserved, 2 settled, 3 of unknown outcome.</param>
/// <param name="Amounts">What is reserved or charged.</param>
/// <param name="EndedAtMs">When the turn ended, in milliseconds since 1970 UTC; 0: it has not.</param>
internal sealed record ChargedTurn(string TurnId, int State, ChargedAmounts Amounts, long EndedAtMs)
{
    public DateTimeOffset EndedAt => DateTimeOffset.FromUnixTimeMilliseconds(EndedAtMs);
}

/// <summary>Requests, tokens, and credits in millionths.</summary>
internal readonly record struct ChargedAmounts(long Requests, long Tokens, long Credits)
{
    public override string ToString() => $"{Requests} requests, {Tokens} tokens and {Credits} millionths of credits";
}

/// <summary>The charges of a drill.</summary>
internal sealed record ChargeReport
{
    public List<string> Violations { get; } = [];
    public int Settled { get; set; }
    public int Nothing { get; set; }

    /// <summary>
    /// Cancelled turns that are charged nothing although their clients had received text, because it was lost with a node, and no client showed what it had.
    /// </summary>
    public int Lost { get; set; }

    /// <summary>Cancelled turns that are charged more than what is kept of their reply: what their clients had received of the text that was lost.</summary>
    public int Shown { get; set; }

    /// <summary>Those of them that are charged all that their clients had received, and not only the part that their cursor was in.</summary>
    public int ShownWhole { get; set; }

    public int Unknown { get; set; }
    public long Used { get; set; }
    public int AcceptedAfterwards { get; set; }
}

/// <summary>
/// Compares the charge of each turn with what the documentation says of a turn that ended so, applied to what the fake Coze recorded of its chat. Then uses up
/// the budget, which has to have exactly what the charges leave.
/// </summary>
/// <param name="stage">The servers.</param>
/// <param name="record">The record of the fake Coze.</param>
/// <param name="http">A client.</param>
/// <param name="ends">When nodes were killed or stopped; then text may be lost that a cancelled turn had produced.</param>
internal sealed class ChargeVerifier(
    Stage stage, CozeRecord record, HttpClient http, IReadOnlyList<(DateTimeOffset From, DateTimeOffset Until)> ends)
{
    /// <summary>The price of the fleet's model: credits per million tokens, and per turn.</summary>
    public const string Price = "{ input: 2, output: 3, request: 1 }";

    private const int Reserved = 1;
    private const int Settled = 2;
    private const int Unknown = 3;
    private const int ExpectedOutput = 4096;
    private const int ParallelRequests = 8;

    /// <summary>Reservations of turns that a killed node has never stored are free after half a minute.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    public async Task<ChargeReport> VerifyAsync(IReadOnlyList<ReplyResult> replies, int budget, CancellationToken cancellationToken)
    {
        var report = new ChargeReport();
        var rows = (await stage.ReadChargesAsync(cancellationToken)).ToLookup(row => row.TurnId);
        foreach (var reply in replies)
        {
            var name = $"reply {reply.Client.Plan.Index} ({reply.Client.TurnId})";
            var charges = rows[reply.Client.TurnId ?? ""].ToList();
            if (charges is not [{ } charge]) report.Violations.Add($"{name}: {charges.Count} charges");
            else if (await FindViolationAsync(reply, charge, report, cancellationToken) is { } violation)
                report.Violations.Add($"{name}, {reply.Outcome}: state {charge.State} with {charge.Amounts}, {violation}");
        }
        var own = replies.Select(reply => reply.Client.TurnId).ToHashSet();
        var all = rows.SelectMany(group => group).ToList();
        report.Violations.AddRange(all.Where(row => !own.Contains(row.TurnId)).Select(row => $"{row.TurnId} is charged, and no client has begun it"));
        report.Settled = all.Count(row => row.State == Settled);
        report.Nothing = all.Count(row => row.State == Settled && row.Amounts == default);
        report.Unknown = all.Count(row => row.State == Unknown);
        report.Used = all.Where(row => row.State != Reserved).Sum(row => row.Amounts.Requests);
        await UseUpAsync(report, (int)(budget - report.Used), cancellationToken);
        return report;
    }

    /// <returns>What is wrong with a charge; null: nothing.</returns>
    private async Task<string?> FindViolationAsync(ReplyResult reply, ChargedTurn charge, ChargeReport report, CancellationToken cancellationToken)
    {
        var prompt = OfBytes(Encoding.UTF8.GetByteCount(reply.Client.Plan.Prompt));
        var reserved = Cost(prompt, ExpectedOutput);
        if (reply.Outcome == Outcome.Cancelled) return await FindViolationOfCancelledAsync(reply, charge, prompt, report, cancellationToken);
        var (state, amounts) = reply switch
        {
            { Outcome: Outcome.Whole, Chats: [var chat, ..] } => (Settled, Min(await CostOfAsync(chat, cancellationToken), reserved)),
            { Outcome: Outcome.OutcomeUnknown } => (Unknown, reserved),
            _ => (Settled, default),
        };
        return (charge.State, charge.Amounts) == (state, amounts) ? null : $"expected state {state} with {amounts}";
    }

    /// <summary>
    /// A cancelled turn is charged what it has kept of its reply. If its node was lost, also what a client had received and showed to the next node before the
    /// end. A gateway that stays knows more of it than a cursor shows, so the charge may be up to that of the whole reply.
    /// </summary>
    private async Task<string?> FindViolationOfCancelledAsync(
        ReplyResult reply, ChargedTurn charge, long prompt, ChargeReport report, CancellationToken cancellationToken)
    {
        var (hasContent, bytes) = await ReadProducedAsync(reply.Client.TurnId!, cancellationToken);
        var (shown, longest) = (0L, bytes);
        if (IsLostBetween(reply.Client.BegunAt, charge.EndedAt))
        {
            // Between a node's answer and the end, the turn must have stayed where the client showed what it had.
            shown = reply.Client.Shown.Where(one => one.At < charge.EndedAt && !IsLostBetween(one.At, charge.EndedAt))
                .Select(one => one.Length).DefaultIfEmpty().Max();
            var whole = await record.SendAsync(reply.Client.Plan.PromptWithoutPauses, cancellationToken);
            longest = Math.Max(bytes, whole.Text.Length + whole.Reasoning.Length);
        }
        if (charge is { State: Settled, Amounts: var amounts } && amounts == default && !hasContent && shown == 0)
        {
            if (reply.Client.Reply.CountBytes() > 0) report.Lost++;
            return longest > bytes || reply.Client.Reply.CountBytes() == 0 ? null : "although its client had received text and no node was lost";
        }
        var (least, most) = (Cap(Math.Max(bytes, shown)), Cap(longest));
        var output = charge.Amounts.Tokens - prompt;
        if (charge.State == Settled && charge.Amounts == Cost(prompt, output) && output >= least && output <= most)
        {
            if (output > Cap(bytes)) report.Shown++;
            if (output > Cap(bytes) && output >= Cap(reply.Client.Reply.CountUnits())) report.ShownWhole++;
            return null;
        }
        return $"expected state {Settled} with {Cost(prompt, least)} to {Cost(prompt, most)}";

        static long Cap(long length) => Math.Min(OfBytes(length), ExpectedOutput);
    }

    private bool IsLostBetween(DateTimeOffset from, DateTimeOffset until) => ends.Any(end => end.Until >= from && end.From <= until);

    private async Task<ChargedAmounts> CostOfAsync(UpstreamChat chat, CancellationToken cancellationToken)
    {
        var (input, output) = await record.GetUsageAsync(chat, cancellationToken);
        return Cost(input, output);
    }

    /// <summary>Reads what a cancelled turn has kept of its reply.</summary>
    /// <returns>Whether there is anything, and the bytes of all texts and of calls of tools.</returns>
    private async Task<(bool HasContent, long Bytes)> ReadProducedAsync(string turn, CancellationToken cancellationToken)
    {
        var reply = new ReplyAssembly();
        using var events = await http.SendAsync(CreateMessage(HttpMethod.Get, $"v1/turns/{turn}/events", 0), cancellationToken);
        new EventParser().Read(await events.Content.ReadAsByteArrayAsync(cancellationToken), reply.Add);

        using var response = await http.SendAsync(CreateMessage(HttpMethod.Get, $"v1/turns/{turn}", 0), cancellationToken);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
        var extension = json.RootElement.GetProperty("reply").GetProperty("cozecluster");
        var calls = extension.GetProperty("events").EnumerateArray()
            .Where(item => item.GetProperty("type").GetString() == "tool_call")
            .Sum(item => Encoding.UTF8.GetByteCount(item.GetProperty("name").GetString()! + item.GetProperty("arguments").GetString()));
        var hasContent = reply.LastEventId is not null || extension.GetProperty("follow_ups").GetArrayLength() > 0;
        return (hasContent, reply.CountBytes() + calls);
    }

    /// <summary>Sends requests until nothing is left: exactly as many as are left are accepted.</summary>
    private async Task UseUpAsync(ChargeReport report, int left, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        end.CancelAfter(MaxWait);
        var options = new ParallelOptions { MaxDegreeOfParallelism = ParallelRequests, CancellationToken = end.Token };
        var accepted = 0;
        try
        {
            await Parallel.ForEachAsync(Enumerable.Range(0, Math.Max(left, 0)), options, async (number, stop) =>
            {
                while (await SendAsync(number, stop) != HttpStatusCode.OK) await Task.Delay(TimeSpan.FromMilliseconds(500), stop);
                Interlocked.Increment(ref accepted);
            });
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
        }
        report.AcceptedAfterwards = accepted;
        if (accepted < left) report.Violations.Add($"the budget had {left} requests left, but only {accepted} were accepted within {MaxWait.TotalSeconds} s");
        if (await SendAsync(left, cancellationToken) is not HttpStatusCode.TooManyRequests and var status)
            report.Violations.Add($"the budget is used up, but a request was answered with {(int)status}");
    }

    private async Task<HttpStatusCode> SendAsync(int number, CancellationToken cancellationToken)
    {
        using var request = CreateMessage(HttpMethod.Post, "v1/chat/completions", number);
        var message = new JsonObject { ["role"] = "user", ["content"] = "One more [[chunks=1]]" };
        request.Content = new StringContent(
            new JsonObject { ["model"] = Stage.Model, ["messages"] = new JsonArray(message) }.ToJsonString(), Encoding.UTF8, "application/json");
        using var response = await http.SendAsync(request, cancellationToken);
        return response.StatusCode;
    }

    private HttpRequestMessage CreateMessage(HttpMethod method, string path, int number)
    {
        var request = new HttpRequestMessage(method, new Uri(stage.ClientAddresses[number % stage.ClientAddresses.Count], path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Stage.Key);
        return request;
    }

    /// <summary>See <see cref="Price"/>: a price for a million tokens is one in millionths for a token.</summary>
    private static ChargedAmounts Cost(long input, long output) => new(1, input + output, 2 * input + 3 * output + 1_000_000);

    private static ChargedAmounts Min(ChargedAmounts one, ChargedAmounts other) =>
        new(Math.Min(one.Requests, other.Requests), Math.Min(one.Tokens, other.Tokens), Math.Min(one.Credits, other.Credits));

    private static long OfBytes(long bytes) => (bytes + 1) / 2;
}
