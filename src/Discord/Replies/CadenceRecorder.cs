using System.Diagnostics.Metrics;

namespace CozeCluster.Discord;

/// <summary>
/// Reports the pauses of completed replies to bot grains, from which they compute the bot's cadence. A reply that was treated as complete after a silence is
/// watched a little longer: if it continues, it was cut off, and the bot grain learns that too.
/// </summary>
internal sealed class CadenceRecorder(IGrainFactory grains, TimeProvider time) : IDisposable
{
    /// <summary>How long such a reply is still watched.</summary>
    private static readonly TimeSpan WatchAfterEnd = TimeSpan.FromSeconds(30);

    private static readonly Meter Meter = new("CozeCluster");

    private static readonly Counter<long> Replies = Meter.CreateCounter<long>(
        "cozecluster.discord.replies", description: "Replies of Coze's Discord bots, by what ended them: buttons, silence, notice, no_reply, deleted.");

    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Records a reply whose exchange has ended in any way, and disposes the watch at once or later.</summary>
    public async ValueTask Record(string botId, DiscordReply reply, ChannelWatch watch)
    {
        if (reply.Outcome is { } outcome) Replies.Add(1, new("bot", botId), new("end", outcome.Reason));
        if (reply.Outcome == ReplyOutcome.Silence)
        {
            reply.OnCutOff(sample => _ = Report(botId, sample));
            _ = DisposeLater(watch);
        }
        else
        {
            await watch.DisposeAsync().ConfigureAwait(false);
        }
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
        catch (ClusterException)
        {
            // The cadence is computed from the other replies.
        }
    }

    private async Task DisposeLater(ChannelWatch watch)
    {
        try
        {
            await Task.Delay(WatchAfterEnd, time, _stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
        await watch.DisposeAsync().ConfigureAwait(false);
    }
}
