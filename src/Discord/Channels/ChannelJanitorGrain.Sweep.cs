using CozeCluster.Grains;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

// Deletes the channels that are due.
public sealed partial class ChannelJanitorGrain
{
    private const string Reminder = "sweep";

    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(30);

    /// <summary>Timers run for 49 days at most, but channels may be kept for a year. A sweep that is too early does nothing.</summary>
    private static readonly TimeSpan MaxTimer = TimeSpan.FromDays(1);

    /// <summary>
    /// Discord bans addresses whose requests it rejects some thousand times in ten minutes, so the pauses between rejected deletions grow up to this value.
    /// </summary>
    private static readonly TimeSpan MaxRetryPause = TimeSpan.FromHours(1);

    private IDisposable? _timer;
    private DateTimeOffset _timerDue = DateTimeOffset.MaxValue;
    private DateTimeOffset _notBefore;
    private bool _isSweeping;
    private bool _hasReminder;

    /// <summary>
    /// Starts a sweep. It is background work, because rate limits may make it last for minutes, and a call of that length would keep the silo from stopping.
    /// </summary>
    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        _work.Run(async stop =>
        {
            await Sweep(stop);
            if (Channels.Count > 0) return;
            await this.ClearReminder(Reminder);
            _hasReminder = false;
            // A channel may have been created in the meantime.
            if (Channels.Count > 0) await RegisterReminder();
        });
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task Sweep() => Sweep(CancellationToken.None);

    private async Task Sweep(CancellationToken stop)
    {
        if (_isSweeping) return;
        _isSweeping = true;
        try
        {
            var now = _time.GetUtcNow();
            var due = Channels.Where(channel => channel.Value.DeleteAt <= now && !_creations.ContainsKey(channel.Key)).ToList();
            if (due.Count == 0) return;
            var listener = Listener();
            var existing = due.Exists(channel => channel.Value.ChannelId is null) ? await _discord.ListChannels(listener, stop) : [];
            foreach (var (owner, channel) in due)
            {
                // The channel may be in use again.
                if (channel.DeleteAt > now || Channels.GetValueOrDefault(owner) != channel || _creations.ContainsKey(owner)) continue;
                var id = channel.ChannelId ?? existing.FirstOrDefault(candidate => IsOf(owner, candidate))?.Id;
                var error = await TryDelete(listener, id, stop);
                if (error is ErrorCode.UpstreamForbidden or ErrorCode.UpstreamUnauthorized) channel.Refusals++;
                if (error is null && Channels.GetValueOrDefault(owner) == channel) Channels.Remove(owner);
                else if (error is null) Forget(id);
                else channel.DeleteAt = _time.GetUtcNow() + PauseAfter(channel.Refusals);
            }
            await _saver.Save();
        }
        catch (ClusterException exception)
        {
            _notBefore = _time.GetUtcNow() + RetryPause;
            LogNotDeleted(_logger, exception, _key, exception.Code);
        }
        finally
        {
            _isSweeping = false;
            ScheduleSweep();
        }
    }

    /// <inheritdoc />
    public async Task<int> DeleteOf(string tenantId)
    {
        var channels = await _discord.ListChannels(Listener(), CancellationToken.None);
        var now = _time.GetUtcNow();
        var count = 0;
        foreach (var channel in channels.Where(channel => ChannelMarks.IsOf(channel, _key, tenantId)))
        {
            var owned = Channels.Values.FirstOrDefault(owned => owned.ChannelId == channel.Id);
            // Another channel without an id may be this one, whose creation has not returned yet.
            if (owned is { IsReleased: false } || (owned is null && Channels.Any(one => one.Value.ChannelId is null && IsOf(one.Key, channel)))) continue;
            owned ??= Channels[$"kept/{channel.Id}"] = new OwnedChannel { Name = channel.Name, ChannelId = channel.Id, IsReleased = true };
            (owned.DeleteAt, owned.Refusals) = (now, 0);
            count++;
        }
        if (count == 0) return 0;
        await RegisterReminder();
        await _saver.Save();
        ScheduleSweep();
        return count;
    }

    private static TimeSpan PauseAfter(int refusals) => RetryPause * Math.Min(Math.Pow(2, Math.Max(refusals - 1, 0)), MaxRetryPause / RetryPause);

    /// <returns>Why the channel still exists; null if it does not.</returns>
    private async Task<ErrorCode?> TryDelete(ListenerDefinition listener, string? channelId, CancellationToken stop)
    {
        if (channelId is null) return null;
        _beingDeleted.Add(channelId);
        try
        {
            await _discord.DeleteChannel(listener, channelId, stop);
            return null;
        }
        catch (ClusterException exception)
        {
            // The other channels are deleted nevertheless.
            LogNotDeleted(_logger, exception, _key, exception.Code);
            return exception.Code;
        }
        finally
        {
            _beingDeleted.Remove(channelId);
        }
    }

    private void ScheduleSweep()
    {
        if (_isSweeping) return;
        var due = Channels.Where(channel => !_creations.ContainsKey(channel.Key))
            .Select(channel => channel.Value.DeleteAt)
            .DefaultIfEmpty(DateTimeOffset.MaxValue)
            .Min();
        if (due == DateTimeOffset.MaxValue) return;
        var now = _time.GetUtcNow();
        if (due < _notBefore) due = _notBefore;
        if (due < now) due = now;
        if (due > now + MaxTimer) due = now + MaxTimer;
        if (_timer is not null && _timerDue <= due) return;
        _timer?.Dispose();
        _timerDue = due;
        _timer = this.StartTimer(due - now, Timeout.InfiniteTimeSpan, _ =>
        {
            _timer = null;
            _work.Run(Sweep);
            return Task.CompletedTask;
        });
    }

    private async Task RegisterReminder()
    {
        if (_hasReminder) return;
        _hasReminder = true;
        try
        {
            await this.RegisterOrUpdateReminder(Reminder, ReminderPeriod, ReminderPeriod);
        }
        catch
        {
            _hasReminder = false;
            throw;
        }
    }

    [LoggerMessage(1211, LogLevel.Warning, "Some channels of listener {ListenerId} that are due could not be deleted: {Code}")]
    private static partial void LogNotDeleted(ILogger logger, Exception exception, string listenerId, ErrorCode code);
}
