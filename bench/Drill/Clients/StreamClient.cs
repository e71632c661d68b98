using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Drill;

/// <summary>
/// A client of one reply that retries until the reply has ended. When the connection is lost, it resumes behind the last event that it has. While it knows no
/// turn, or the node does not know the turn, it repeats the request with the same idempotency key.
/// </summary>
internal sealed class StreamClient(StreamPlan plan, HttpClient http, IReadOnlyList<Uri> addresses, bool cuts)
{
    private const int MaxCuts = 30;
    private const string TryAgain = "try_again";
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(30);

    private readonly string _key = $"drill-{plan.Index}-{Guid.NewGuid():n}";
    private readonly byte[] _buffer = new byte[8192];
    private readonly TaskCompletionSource<string> _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastByteAt;
    private int _address = plan.Index;
    private bool _requested;

    public StreamPlan Plan => plan;

    /// <summary>What has arrived.</summary>
    public ReplyAssembly Reply { get; } = new();

    /// <summary>The turn; null until a response has named it.</summary>
    public string? TurnId { get; private set; }

    /// <summary>The code of the error that ended the reply, in the stream or instead of it.</summary>
    public string? ErrorCode { get; private set; }

    /// <summary>Whether the reply has ended, with or without an error.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The status of the turn in the response to the cancellation; null without one.</summary>
    public string? CancelStatus { get; private set; }

    /// <summary>How many connections this client cut.</summary>
    public int Cuts { get; private set; }

    /// <summary>How many connections were lost or refused.</summary>
    public int LostConnections { get; private set; }

    /// <summary>How many requests were turned away because a node was starting or stopping.</summary>
    public int Rejections { get; private set; }

    /// <summary>How often the reply was resumed behind an event.</summary>
    public int Resumes { get; private set; }

    /// <summary>When the request was sent for the first time.</summary>
    public DateTimeOffset BegunAt { get; private set; }

    /// <summary>When a node accepted to continue the reply, with the <see cref="ReplyAssembly.ShownLength"/> then.</summary>
    public List<(DateTimeOffset At, long Length)> Shown { get; } = [];

    /// <summary>How often the request was repeated with its idempotency key.</summary>
    public int RepeatedRequests { get; private set; }

    /// <summary>The longest time without any byte, between the first byte of a response and the end.</summary>
    public TimeSpan LongestSilence { get; private set; }

    /// <summary>When the reply ended.</summary>
    public DateTimeOffset EndedAt { get; private set; }

    /// <summary>Runs until the reply has ended.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await Task.Delay(plan.Begin, stop);
        BegunAt = DateTimeOffset.UtcNow;
        using var replyEnded = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var cancellation = plan.CancelAfter is { } after ? CancelAsync(after, replyEnded.Token) : Task.CompletedTask;
        while (!HasEnded)
        {
            try
            {
                await ConnectAsync(stop);
            }
            catch (CutException)
            {
            }
            catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !stop.IsCancellationRequested))
            {
                LostConnections++;
                _address++;
            }
            if (!HasEnded) await Task.Delay(plan.Random.Next(20, 400), stop);
        }
        EndedAt = DateTimeOffset.UtcNow;
        replyEnded.CancelAfter(CancelTimeout);
        await cancellation;
    }

    private async Task ConnectAsync(CancellationToken stop)
    {
        var cut = PlanCut();
        using var connection = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (cut is { } planned) connection.CancelAfter(planned.After);
        try
        {
            using var request = TurnId is null ? CreateRequest() : CreateResumeRequest(TurnId);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, connection.Token);
            if (response.Headers.TryGetValues("x-turn-id", out var ids)) SetTurnId(ids.First());
            if (response.IsSuccessStatusCode) await ReadAsync(response, cut?.Bytes ?? long.MaxValue, connection.Token);
            else await HandleErrorAsync(response, connection.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw CreateCut();
        }
    }

    private async Task ReadAsync(HttpResponseMessage response, long bytesUntilCut, CancellationToken cancellationToken)
    {
        if (Reply.LastEventId is not null)
        {
            Resumes++;
            Shown.Add((DateTimeOffset.UtcNow, Reply.ShownLength));
        }
        Reply.OnReconnected();
        var parser = new EventParser();
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        MeasureSilence();
        while (await body.ReadAsync(_buffer, cancellationToken) is > 0 and var length)
        {
            MeasureSilence();
            parser.Read(_buffer.AsSpan(0, (int)Math.Min(length, bytesUntilCut)), OnEvent);
            if (HasEnded) return;
            if (Reply.ErrorCode is not null) throw new IOException("The node asked for a retry.");
            if ((bytesUntilCut -= length) <= 0) throw CreateCut();
        }
        throw new IOException("The stream was closed before the reply had ended.");
    }

    private void MeasureSilence()
    {
        if (_lastByteAt != 0 && Stopwatch.GetElapsedTime(_lastByteAt) is var silence && silence > LongestSilence) LongestSilence = silence;
        _lastByteAt = Stopwatch.GetTimestamp();
    }

    private void OnEvent(StreamEvent streamEvent)
    {
        Reply.Add(streamEvent);
        // After this error the client resumes; the reply has not ended.
        if (Reply.ErrorCode is { } code and not TryAgain) ErrorCode = code;
        HasEnded = Reply.IsDone || ErrorCode is not null;
    }

    private async Task HandleErrorAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var (status, body) = (response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
        var code = ErrorCodeOf(body);
        // The node is starting or stopping, or the load balancer answers for it.
        if ((status == HttpStatusCode.ServiceUnavailable && code is (TryAgain or "shutting_down")) || (code is null && (int)status is 502 or 503 or 504))
        {
            Rejections++;
            _address++;
            return;
        }
        if (status == HttpStatusCode.NotFound && TurnId is not null && Reply.LastEventId is null)
        {
            // The node was killed before it had saved the turn.
            TurnId = null;
            return;
        }
        ErrorCode = code ?? $"http_{(int)status}";
        HasEnded = true;
    }

    private async Task CancelAsync(TimeSpan after, CancellationToken replyEnded)
    {
        try
        {
            await Task.Delay(after, replyEnded);
            while (CancelStatus is not ("cancelled" or "completed" or "failed"))
            {
                var turn = TurnId ?? await _turn.Task.WaitAsync(replyEnded);
                CancelStatus = await TryCancelAsync(turn, replyEnded) ?? CancelStatus;
                if (CancelStatus is not ("cancelled" or "completed" or "failed")) await Task.Delay(100, replyEnded);
            }
        }
        catch (OperationCanceledException)
        {
            // The reply has ended. The result of the cancellation no longer matters.
        }
    }

    private async Task<string?> TryCancelAsync(string turn, CancellationToken cancellationToken)
    {
        try
        {
            using var request = CreateMessage(HttpMethod.Delete, $"v1/turns/{turn}");
            using var response = await http.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode) return null;
            using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
            return json.RootElement.GetProperty("status").GetString();
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // It is unknown whether the request arrived. A turn may be cancelled twice, so the caller repeats it.
            return null;
        }
    }

    private HttpRequestMessage CreateRequest()
    {
        if (_requested) RepeatedRequests++;
        _requested = true;
        var body = new JsonObject
        {
            ["model"] = Stage.Model,
            ["stream"] = true,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = plan.Prompt }),
            ["metadata"] = new JsonObject { ["drill"] = $"{plan.Index}" },
        };
        if (plan.Conversation is { } name) body["conversation_id"] = name;
        var request = CreateMessage(HttpMethod.Post, "v1/chat/completions");
        request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        request.Headers.Add("idempotency-key", _key);
        if (plan.Survive) request.Headers.Add("x-turn-survive", "true");
        return request;
    }

    private HttpRequestMessage CreateResumeRequest(string turn)
    {
        var request = CreateMessage(HttpMethod.Get, $"v1/turns/{turn}/events");
        if (Reply.LastEventId is { } last) request.Headers.Add("last-event-id", last);
        return request;
    }

    private HttpRequestMessage CreateMessage(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, new Uri(addresses[_address % addresses.Count], path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Stage.Key);
        return request;
    }

    private void SetTurnId(string turn)
    {
        TurnId = turn;
        _turn.TrySetResult(turn);
    }

    // A connection is cut at a byte, or, because streams can be silent, at a moment. Some moments are so early that nothing has arrived.
    private (long Bytes, TimeSpan After)? PlanCut()
    {
        if (!cuts || Cuts >= MaxCuts) return null;
        var random = plan.Random;
        return (random.Next(0, 12_000), TimeSpan.FromMilliseconds(random.Next(10) == 0 ? random.Next(50) : random.Next(300, 8_000)));
    }

    private CutException CreateCut()
    {
        Cuts++;
        return new CutException();
    }

    private static string? ErrorCodeOf(string body)
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

    private sealed class CutException() : IOException("The client cut the connection.");
}
