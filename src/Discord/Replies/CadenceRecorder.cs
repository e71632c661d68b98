using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Reports the pauses and ends of replies to bot grains, from which they compute the bot's cadence. A reply that was treated as complete after a silence is
/// watched a little longer, and its channel is kept that long: if it continues, it was cut off, and the bot grain learns that; if not, it had ended.
/// Thread-safe.
/// </summary>
internal sealed class CadenceRecorder(IGrainFactory grains, TimeProvider time, ILogger logger) : IDisposable
{
    /// <summary>How long such a reply is still watched.</summary>
    private static readonly TimeSpan WatchAfterEnd = TimeSpan.FromSeconds(30);

    private static readonly Meter Meter = new(Tracing.SourceName);

    private static readonly Counter<long> Replies = Meter.CreateCounter<long>(
        "cozecluster.discord.replies",
        description: "Replies of Coze's Discord bots, by what ended them: buttons, silence, notice, no_reply, unfinished, deleted.");

    private readonly CancellationTokenSource _stopping = new();

    // Channels of replies that are watched after their end.
    private readonly ConcurrentDictionary<string, long> _watchedSince = new();

    /// <summary>For how long the channel of a reply is still watched after the reply's end.</summary>
    public TimeSpan WatchTimeOf(string channelId) => _watchedSince.TryGetValue(channelId, out var since) ? WatchAfterEnd - time.GetElapsedTime(since) : default;

    /// <summary>Records a reply whose exchange has ended in any way, and disposes the watch at once or later.</summary>
    public async ValueTask Record(string botId, string channelId, DiscordReply reply, ChannelWatch watch)
    {
        if (reply.Outcome is { } outcome) Replies.Add(1, new("bot", botId), new("end", outcome.Reason));
        if (reply.Outcome == ReplyOutcome.Silence)
        {
            _watchedSince[channelId] = time.GetTimestamp();
            _ = RecordLater(botId, channelId, reply, watch);
            return;
        }
        await watch.DisposeAsync().ConfigureAwait(false);
        if (reply.Sample is { } sample) await Report(botId, sample).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private async Task Report(string botId, ReplySample sample)
    {
        try
        {
            await grains.Grain<IBotGrain>(botId).AddReplySample(sample).ConfigureAwait(false);
        }
        catch (ClusterException exception)
        {
            logger.CadenceNotRecorded(exception, botId);
        }
    }

    private async Task RecordLater(string botId, string channelId, DiscordReply reply, ChannelWatch watch)
    {
        try
        {
            await reply.CutOff.WaitAsync(WatchAfterEnd, time, _stopping.Token).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // It had ended.
        }
        catch (OperationCanceledException)
        {
            // The node stops, so nobody sees whether the reply continues.
        }
        _watchedSince.TryRemove(channelId, out _);
        await watch.DisposeAsync().ConfigureAwait(false);
        if (reply.Sample is { } sample && !_stopping.IsCancellationRequested) await Report(botId, sample).ConfigureAwait(false);
    }
}
