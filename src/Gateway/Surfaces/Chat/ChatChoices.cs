using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Chat;

/// <summary>
/// Answers chat completion requests that want several choices. Each choice is the reply of a turn of its own, which is admitted, charged and logged as any
/// other. If one turn fails, the request fails, and the other turns are cancelled.
/// </summary>
internal sealed class ChatChoices(IFleetView fleet, TurnStarter turns, ReplyStreamer streamer, TimeProvider time)
{
    /// <summary>Answers a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="request">Its body.</param>
    /// <param name="model">The model of the turns. The request may have another name for it.</param>
    /// <param name="headers">Its headers.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: the request wants several choices and something that only one turn can do, or more than may run. Others: a turn
    /// failed before the response started.
    /// </exception>
    public async Task Complete(HttpContext context, ChatRequest request, string model, TurnHeaders headers)
    {
        Check(request, headers);
        CheckLimit(RequestInfo.KeyOf(context), request.Choices);
        // The readers stop before they are disposed, whatever ends this request.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var started = new List<StartedTurn>(request.Choices);
        try
        {
            await Start(started, RequestInfo.KeyOf(context), request with { Model = model }, headers, stop.Token);
            var ids = string.Join(',', started.Select(turn => turn.Id));
            RequestInfo.Of(context).TurnId = ids;
            context.Response.Headers["x-turn-id"] = ids;
            var first = new CompletionInfo(started[0].Id, request.Model, time.GetUtcNow().ToUnixTimeSeconds(), ConversationName: null)
            {
                IgnoredFields = request.IgnoredFields,
            };
            var completions = started.ConvertAll(turn => first with { TurnId = turn.Id });
            using var merge = new ReplyMerge(started.ConvertAll(turn => turn.Reader), time, stop.Token);
            if (request.Stream) await Stream(context, merge, completions, request.IncludeUsage);
            else await WriteWhole(context, merge, completions);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(started.Select(turn => turn.DisposeAsync().AsTask()));
        }
    }

    private static void Check(ChatRequest request, TurnHeaders headers)
    {
        var obstacle = headers.ConversationName is not null ? "a conversation continues with one reply; omit 'conversation_id'"
            : request.WaitingTurnId is not null ? "the tool results at the end of 'messages' continue one reply"
            : headers.IdempotencyKey is not null ? "an idempotency key belongs to one turn; omit 'idempotency-key'"
            : headers.Survive ? "several replies cannot be resumed as one; omit 'x-turn-survive'"
            : null;
        if (obstacle is not null) throw JsonFieldPath.Root["n"].Invalid($"Invalid 'n': {obstacle}, or send 1.");
    }

    // With a lower limit of turns at the same time, the request could never succeed, so it gets no error that tells clients to retry.
    private void CheckLimit(RequestKey key, int choices)
    {
        var ofTenant = fleet.FindTenant(key.TenantId)?.MaxConcurrentTurns ?? int.MaxValue;
        var limit = Math.Min(ofTenant, fleet.FindKeyLimits(key.TenantId, key.Name)?.MaxConcurrentTurns ?? int.MaxValue);
        if (choices > limit)
            throw JsonFieldPath.Root["n"].Invalid($"Invalid 'n': expected at most {limit}, the number of turns that may run at the same time.");
    }

    /// <summary>Starts the turns. Those in <paramref name="started"/> have to be disposed, also if another one could not be started.</summary>
    private async Task Start(List<StartedTurn> started, RequestKey key, ChatRequest request, TurnHeaders headers, CancellationToken stop)
    {
        // The first turn stores the media of the request. The messages that the others share are complete then.
        started.Add(await turns.Start(key, request, headers, stop));
        var others = Enumerable.Range(1, request.Choices - 1).Select(index => turns.Start(key, RequestOf(request, index), headers, stop).AsTask()).ToArray();
        try
        {
            await Task.WhenAll(others);
        }
        finally
        {
            started.AddRange(others.Where(other => other.IsCompletedSuccessfully).Select(other => other.Result));
        }
    }

    // With the same seed, a language model would give the same reply each time.
    private static ChatRequest RequestOf(ChatRequest request, int choice) => request with
    {
        Uploads = [],
        Settings = request.Settings with { Seed = unchecked(request.Settings.Seed + choice) },
    };

    private Task Stream(HttpContext context, ReplyMerge merge, IReadOnlyList<CompletionInfo> completions, bool includeUsage)
    {
        var stream = new ChoicesStream(completions, ReplyAddresses.Of(context), includeUsage, RequestInfo.KeyOf(context).ErrorText);
        return streamer.Run(context, merge, stream);
    }

    private async Task WriteWhole(HttpContext context, ReplyMerge merge, IReadOnlyList<CompletionInfo> completions)
    {
        var addresses = ReplyAddresses.Of(context);
        var contents = completions.ToDictionary(completion => completion.TurnId, _ => new ReplyContent(addresses));
        if (!await ReplyContent.ReadToEnd(merge, turnId => contents[turnId], time, context.RequestAborted)) return;
        await JsonBody.Write(context, (completions, contents), static (writer, replies) =>
            CompletionJson.Write(writer, [.. replies.completions.Select(completion => (completion, replies.contents[completion.TurnId]))]));
    }
}

/// <summary>
/// Renders the replies of several turns as the choices of one stream. Its events have no ids: a cursor is a place in one reply, so it cannot be resumed. The
/// stream ends as a whole one only when all choices are whole.
/// </summary>
internal sealed class ChoicesStream : IReplyRenderer
{
    private readonly Dictionary<string, ChatStream> _choices = [];
    private readonly List<Usage?> _usages = [];

    /// <param name="completions">The completion of each choice, in order. All have the same id.</param>
    /// <param name="addresses">The addresses of files.</param>
    /// <param name="includeUsage">Whether to end with a chunk that has the token counts of all turns.</param>
    /// <param name="errorText">See <see cref="ChatStream"/>.</param>
    public ChoicesStream(IReadOnlyList<CompletionInfo> completions, ReplyAddresses addresses, bool includeUsage, bool errorText)
    {
        for (var index = 0; index < completions.Count; index++)
            _choices.Add(completions[index].TurnId, new ChatStream(completions[index], addresses, includeUsage, errorText: errorText, choice: index));
    }

    public void RenderStart(SseWriter writer)
    {
        foreach (var choice in _choices.Values) choice.RenderStart(writer);
    }

    public void Render(SseWriter writer, ReplyBatch batch)
    {
        var choice = _choices[batch.TurnId];
        choice.Render(writer, batch);
        if (batch.Events is not [.., ReplyCompleted completed]) return;
        _usages.Add(completed.Usage);
        if (_usages.Count == _choices.Count) choice.WriteStreamEnd(writer, CompletionJson.Sum(_usages));
    }
}
