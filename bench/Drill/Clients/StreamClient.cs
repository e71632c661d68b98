using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Drill;

/// <summary>
/// A client of one reply that does not give up: asks, and when the connection is lost goes on from the last event it has; asks again under its idempotency key
/// where it has not heard of a turn yet, or the node has not.
/// </summary>
internal sealed class StreamClient(StreamPlan plan, HttpClient http, IReadOnlyList<Uri> doors, bool cuts)
{
    private const int MostCuts = 30;
    private const string TryAgain = "try_again";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _key = $"drill-{plan.Index}-{Guid.NewGuid():n}";
    private readonly byte[] _buffer = new byte[8192];
    private readonly TaskCompletionSource<string> _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _begun;
    private long _heard;
    private int _door = plan.Index;
    private bool _asked;

    public StreamPlan Plan => plan;

    /// <summary>What arrived.</summary>
    public ReplyAssembly Reply { get; } = new();

    /// <summary>The turn, once a response named it.</summary>
    public string? TurnId { get; private set; }

    /// <summary>The code of the error that ended it: in the stream, or in place of one.</summary>
    public string? ErrorCode { get; private set; }

    /// <summary>Whether it has come to an end, good or bad.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>What the answer to the cancellation said of the turn; null without one.</summary>
    public string? CancelAnswer { get; private set; }

    public int Cuts { get; private set; }
    public int Lost { get; private set; }

    /// <summary>How often it was turned away because a node was on its way up or down.</summary>
    public int Refused { get; private set; }
    public int Resumed { get; private set; }
    public int AskedAgain { get; private set; }

    /// <summary>From the request to the first content; null if there was none.</summary>
    public TimeSpan? FirstContent { get; private set; }

    /// <summary>The longest time in which nothing came, not even a comment, between the first byte of a response and the end.</summary>
    public TimeSpan LongestSilence { get; private set; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset EndedAt { get; private set; }

    /// <summary>Runs until the reply has ended.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await Task.Delay(plan.Begin, stop);
        _begun = Stopwatch.GetTimestamp();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var cancel = plan.CancelAfter is { } after ? CancelAsync(after, over.Token) : Task.CompletedTask;
        while (!HasEnded)
        {
            try
            {
                await ConnectAsync(stop);
            }
            catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !stop.IsCancellationRequested))
            {
                if (e is not CutException)
                {
                    Lost++;
                    _door++;
                }
            }
            if (!HasEnded) await Task.Delay(plan.Random.Next(20, 400), stop);
        }
        EndedAt = DateTimeOffset.UtcNow;
        over.CancelAfter(Patience);
        await cancel;
    }

    private async Task ConnectAsync(CancellationToken stop)
    {
        var cut = NextCut();
        using var connection = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (cut is { } planned) connection.CancelAfter(planned.After);
        try
        {
            using var request = TurnId is null ? Ask() : Follow(TurnId);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, connection.Token);
            if (response.Headers.TryGetValues("x-turn-id", out var ids)) Named(ids.First());
            if (response.IsSuccessStatusCode) await ReadAsync(response, cut?.Bytes ?? long.MaxValue, connection.Token);
            else await RefusedAsync(response, connection.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw Cut();
        }
    }

    private async Task ReadAsync(HttpResponseMessage response, long left, CancellationToken cancellationToken)
    {
        if (Reply.LastEventId is not null) Resumed++;
        Reply.Reconnected();
        var parser = new EventParser();
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        Heard();
        while (await body.ReadAsync(_buffer, cancellationToken) is > 0 and var length)
        {
            Heard();
            parser.Read(_buffer.AsSpan(0, (int)Math.Min(length, left)), Take);
            if (HasEnded) return;
            if (Reply.ErrorCode is not null) throw new IOException("The node asks to be asked again.");
            if ((left -= length) <= 0) throw Cut();
        }
        throw new IOException("The stream has no end.");
    }

    private void Heard()
    {
        if (_heard != 0 && Stopwatch.GetElapsedTime(_heard) is var silence && silence > LongestSilence) LongestSilence = silence;
        _heard = Stopwatch.GetTimestamp();
    }

    private void Take(StreamEvent happened)
    {
        Reply.Add(happened);
        if (FirstContent is null && Reply.LastEventId is not null) FirstContent = Stopwatch.GetElapsedTime(_begun);
        // Not an end of the reply, only of the way there.
        if (Reply.ErrorCode is { } code and not TryAgain) ErrorCode = code;
        HasEnded = Reply.IsDone || ErrorCode is not null;
    }

    private async Task RefusedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var (status, body) = (response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        var code = CodeOf(body);
        // The node is on its way up or down, or the load balancer speaks for it.
        if ((status == HttpStatusCode.ServiceUnavailable && code is (TryAgain or "shutting_down")) || (code is null && (int)status is 502 or 503 or 504))
        {
            Refused++;
            _door++;
            return;
        }
        if (status == HttpStatusCode.NotFound && TurnId is not null && Reply.LastEventId is null)
        {
            // Nothing had come of it: the node may have died before the turn was worth remembering.
            TurnId = null;
            return;
        }
        ErrorCode = code ?? $"http_{(int)status}";
        HasEnded = true;
    }

    private async Task CancelAsync(TimeSpan after, CancellationToken over)
    {
        try
        {
            await Task.Delay(after, over);
            while (CancelAnswer is not ("cancelled" or "completed" or "failed"))
            {
                var turn = TurnId ?? await _turn.Task.WaitAsync(over);
                CancelAnswer = await TryCancelAsync(turn, over) ?? CancelAnswer;
                if (CancelAnswer is not ("cancelled" or "completed" or "failed")) await Task.Delay(100, over);
            }
        }
        catch (OperationCanceledException)
        {
            // The reply has ended, whatever became of this.
        }
    }

    private async Task<string?> TryCancelAsync(string turn, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Delete, At($"v1/turns/{turn}"));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Stage.Key);
            using var response = await http.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode) return null;
            using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
            return json.RootElement.GetProperty("status").GetString();
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // Whether it arrived is not known; cancelling twice does no harm.
            return null;
        }
    }

    private HttpRequestMessage Ask()
    {
        if (_asked) AskedAgain++;
        _asked = true;
        var body = new JsonObject
        {
            ["model"] = Stage.Model,
            ["stream"] = true,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = plan.Prompt }),
            ["metadata"] = new JsonObject { ["drill"] = $"{plan.Index}" },
        };
        if (plan.Conversation is { } name) body["conversation_id"] = name;
        var request = new HttpRequestMessage(HttpMethod.Post, At("v1/chat/completions")) { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Stage.Key);
        request.Headers.Add("idempotency-key", _key);
        if (plan.Survive) request.Headers.Add("x-turn-survive", "true");
        return request;
    }

    private HttpRequestMessage Follow(string turn)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, At($"v1/turns/{turn}/events"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Stage.Key);
        if (Reply.LastEventId is { } last) request.Headers.Add("last-event-id", last);
        return request;
    }

    private Uri At(string path) => new(doors[_door % doors.Count], path);

    private void Named(string turn)
    {
        TurnId = turn;
        _turn.TrySetResult(turn);
    }

    // At a byte, and for silent streams at a moment; now and then before anything has come.
    private (long Bytes, TimeSpan After)? NextCut()
    {
        if (!cuts || Cuts >= MostCuts) return null;
        var random = plan.Random;
        return (random.Next(0, 12_000), TimeSpan.FromMilliseconds(random.Next(10) == 0 ? random.Next(50) : random.Next(300, 8_000)));
    }

    private CutException Cut()
    {
        Cuts++;
        return new CutException();
    }

    private static string? CodeOf(string body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.GetProperty("error").GetProperty("code").GetString();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    private sealed class CutException() : IOException("The connection was cut.");
}
