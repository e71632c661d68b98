using System.Diagnostics.Metrics;

namespace CozeCluster.Discord;

/// <summary>What comes of ended replies: bots learn their cadence, and replies taken for ended are watched a little longer, to learn from that, too.</summary>
internal sealed class DiscordLearning(IGrainFactory grains, TimeProvider time) : IDisposable
{
    /// <summary>How long after its end a reply is still watched.</summary>
    private static readonly TimeSpan Afterwards = TimeSpan.FromSeconds(30);

    private static readonly Meter Meter = new("CozeCluster");

    private static readonly Counter<long> Replies = Meter.CreateCounter<long>(
        "cozecluster.discord.replies", description: "Replies of Coze's Discord bots, by what ended them: buttons, silence, notice, no_reply, deleted.");

    private readonly CancellationTokenSource _stopping = new();

    /// <summary>The exchange is over, in whatever way.</summary>
    public async ValueTask Take(string botId, DiscordReply reply, ChannelWatch far)
    {
        if (reply.Outcome is { } outcome) Replies.Add(1, new("bot", botId), new("end", outcome.How));
        if (reply.Outcome == ReplyOutcome.Silence)
        {
            reply.WatchForCut(sample => _ = Learn(botId, sample));
            _ = LeaveLater(far);
        }
        else
        {
            await far.DisposeAsync().ConfigureAwait(false);
        }
        if (reply.Sample is { } sample) await Learn(botId, sample).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private async Task Learn(string botId, ReplySample sample)
    {
        try
        {
            await grains.Grain<IBotGrain>(botId).Learn(sample).ConfigureAwait(false);
        }
        catch (ClusterException)
        {
            // One sample less.
        }
    }

    private async Task LeaveLater(ChannelWatch far)
    {
        try
        {
            await Task.Delay(Afterwards, time, _stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
        await far.DisposeAsync().ConfigureAwait(false);
    }
}
