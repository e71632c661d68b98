using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>Delivers the events of one watch to its observer, in order and one call at a time. Used on the session grain's scheduler only.</summary>
internal sealed class DiscordWatcher(DiscordWatch watch, IDiscordObserver observer, TimeProvider time, ILogger logger)
{
    private const int MaxWaiting = 1_000;
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);

    private List<DiscordEvent> _waiting = [];
    private bool _isDelivering;

    /// <summary>Whether the watch has ended: the observer no longer watches, or did not answer.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Queues an event if the watch covers it.</summary>
    public void Add(DiscordEvent e)
    {
        var isCovered = e switch
        {
            // An edit may not include its author. The observer recognizes the message by its id.
            DiscordMessageSeen message => message.ChannelId == watch.ChannelId && (message.AuthorId is null || message.AuthorId == watch.AuthorId),
            DiscordMessageDeleted deleted => deleted.ChannelId == watch.ChannelId,
            DiscordTyping typing => typing.ChannelId == watch.ChannelId && typing.UserId == watch.AuthorId,
            _ => true,
        };
        if (!isCovered) return;
        _waiting.Add(e);
        // The observer is too slow. It reads over REST what it needs.
        if (_waiting.Count > MaxWaiting) _waiting = [new DiscordEventsMissed()];
    }

    /// <summary>Starts to deliver the queued events, unless a delivery is running.</summary>
    public void StartDelivery()
    {
        if (_isDelivering || IsOver || _waiting.Count == 0) return;
        _ = Deliver();
    }

    private async Task Deliver()
    {
        _isDelivering = true;
        try
        {
            while (_waiting.Count > 0 && !IsOver)
            {
                var batch = _waiting;
                _waiting = [];
                var call = observer.OnEvents(batch);
                IsOver = !(call.IsCompletedSuccessfully ? call.Result : await call.AsTask().WaitAsync(CallTimeout, time));
            }
        }
        catch (Exception exception)
        {
            // The observer reads over REST what it needs, and watches again.
            IsOver = true;
            logger.WatchEnded(exception, watch.ChannelId);
        }
        finally
        {
            _isDelivering = false;
        }
    }
}
