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
internal sealed record ChargedTurn(string TurnId, int State, ChargedAmounts Amounts);

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

    /// <summary>Cancelled turns that are charged nothing although their clients had received text, because it was lost with a node.</summary>
    public int Lost { get; set; }

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
/// <param name="killed">Whether nodes were killed; then text may be lost that a cancelled turn had produced.</param>
internal sealed class ChargeVerifier(Stage stage, CozeRecord record, HttpClient http, bool killed)
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
            else if (await ExpectAsync(reply, cancellationToken) is var (state, amounts) && (charge.State, charge.Amounts) != (state, amounts))
            {
                report.Violations.Add(
                    $"{name}, {reply.Outcome}: state {charge.State} with {charge.Amounts}, expected state {state} with {amounts}");
            }
            else if (reply.Outcome == Outcome.Cancelled && charge.Amounts == default && reply.Client.Reply.CountBytes() > 0)
            {
                report.Lost++;
                if (!killed) report.Violations.Add($"{name}: nothing is charged, although its client had received text");
            }
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

    private async Task<(int State, ChargedAmounts Amounts)> ExpectAsync(ReplyResult reply, CancellationToken cancellationToken)
    {
        var prompt = OfBytes(Encoding.UTF8.GetByteCount(reply.Client.Plan.Prompt));
        var reserved = Cost(prompt, ExpectedOutput);
        switch (reply.Outcome)
        {
            case Outcome.Whole when reply.Chats is [var chat, ..]:
                var (input, output) = await record.GetUsageAsync(chat, cancellationToken);
                return (Settled, Min(Cost(input, output), reserved));
            case Outcome.Cancelled:
                var (hasContent, bytes) = await ReadProducedAsync(reply.Client.TurnId!, cancellationToken);
                return (Settled, hasContent ? Min(Cost(prompt, OfBytes(bytes)), reserved) : default);
            case Outcome.OutcomeUnknown:
                return (Unknown, reserved);
            default:
                return (Settled, default);
        }
    }

    /// <summary>Reads what a cancelled turn has kept of its reply. Clients received nothing else.</summary>
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
