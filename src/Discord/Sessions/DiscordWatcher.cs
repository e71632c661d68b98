namespace CozeCluster.Discord;

/// <summary>Brings one watcher what it watches: one call in flight, in order. It runs only while there is something to bring.</summary>
internal sealed class DiscordWatcher(DiscordWatch watch, IDiscordObserver observer, TimeProvider time)
{
    private const int MaxWaiting = 1_000;
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);

    private List<DiscordEvent> _waiting = [];
    private bool _running;

    /// <summary>Whether nobody listens any more.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Takes an event if it is one of those watched.</summary>
    public void Offer(DiscordEvent one)
    {
        var isWatched = one switch
        {
            // An edit may come without its author; the watcher knows the message by its id.
            DiscordMessageSeen message => message.ChannelId == watch.ChannelId && (message.AuthorId is null || message.AuthorId == watch.AuthorId),
            DiscordMessageDeleted gone => gone.ChannelId == watch.ChannelId,
            DiscordTyping typing => typing.ChannelId == watch.ChannelId && typing.UserId == watch.AuthorId,
            _ => true,
        };
        if (!isWatched) return;
        _waiting.Add(one);
        // It cannot keep up, so it reads again by REST what it needs.
        if (_waiting.Count > MaxWaiting) _waiting = [new DiscordEventsMissed()];
    }

    /// <summary>Brings what waits.</summary>
    public void Kick()
    {
        if (_running || IsOver || _waiting.Count == 0) return;
        _ = Run();
    }

    private async Task Run()
    {
        _running = true;
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
        catch (Exception)
        {
            IsOver = true;
        }
        finally
        {
            _running = false;
        }
    }
}
