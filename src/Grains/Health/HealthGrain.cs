using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>
/// Keeps an entry for everything that ever told how it stands, as long as it is in the fleet, and tells operators what they should know: once when something
/// stands badly, once when it works again, and never the same of the same thing twice within an hour.
/// </summary>
// Longer than the hour after which a notice may be repeated.
[GrainType("health"), ActivationCountBasedPlacement, CollectionAgeLimit(Hours = 2)]
public sealed partial class HealthGrain : Grain, IHealthGrain
{
    private static readonly TimeSpan NotificationPause = TimeSpan.FromHours(1);

    private readonly IPersistentState<HealthRecords> _state;
    private readonly BackgroundWork _work;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StateSaver<HealthRecords> _saver;
    private readonly Declared<FleetOutline> _fleet;
    private readonly NotificationSender _sender;
    private IDisposable? _timer;
    private bool _reviewing;
    private bool _reviewAgain;

    /// <summary>Made by Orleans.</summary>
    public HealthGrain(
        [PersistentState("health")] IPersistentState<HealthRecords> state, BackgroundWork work, IEnumerable<INotifier> notifiers, TimeProvider time, ILogger<HealthGrain> logger)
    {
        _state = state;
        _work = work;
        _time = time;
        _logger = logger;
        _saver = new StateSaver<HealthRecords>(state, work);
        _fleet = new Declared<FleetOutline>(time, async () => await Catalog.Outline());
        _sender = new NotificationSender([.. notifiers], time, logger);
    }

    private HealthRecords State => _state.State;

    private ICatalogGrain Catalog => GrainFactory.Grain<ICatalogGrain>(GrainKeys.Catalog);

    /// <summary>What was not told within its hour may be due by now.</summary>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (State.Entries.Count > 0) StartReview();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => _work.StopAsync();

    /// <inheritdoc />
    public async Task Note(HealthEntry entry)
    {
        var key = KeyOf(entry.Kind, entry.Id);
        if (!State.Entries.TryGetValue(key, out var known))
        {
            State.Entries[key] = new HealthRecord { Entry = entry };
        }
        else
        {
            var last = Now(known.Entry);
            if (last.State == HealthState.Ok && known.Told == HealthState.Cooling) known.Told = null;
            known.Entry = entry with
            {
                Since = last.State == entry.State && last.Code == entry.Code ? last.Since : entry.Since,
                KeepActive = entry.KeepActive ?? last.KeepActive,
            };
        }
        await _saver.Save();
        StartReview();
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<HealthEntry>> List()
    {
        var fleet = await _fleet.Get();
        return [.. Parts(fleet!).Select(part => State.Entries.TryGetValue(KeyOf(part.Kind, part.Id), out var record)
            ? Now(record.Entry)
            : new HealthEntry(part.Kind, part.Id, HealthState.Unknown))];
    }

    private void StartReview()
    {
        _reviewAgain = true;
        if (_reviewing) return;
        _reviewing = true;
        _work.Run(Review);
    }

    /// <summary>Forgets what has left the fleet, and tells operators what they do not know yet.</summary>
    private async Task Review(CancellationToken stop)
    {
        try
        {
            while (_reviewAgain)
            {
                _reviewAgain = false;
                // Not from memory: what is new in the fleet must not be taken for gone.
                var fleet = await Catalog.Outline();
                var changed = Forget(fleet);
                if (fleet.Notifications is { } notices)
                {
                    var due = Due(out var next);
                    // Stored before it is sent: after a crash, rather once too seldom than once too often.
                    if (changed || due.Count > 0) await _saver.Save();
                    foreach (var notice in due) _work.Run(stopping => _sender.Send(notices, notice, stopping));
                    ReviewAt(next);
                }
                else if (changed)
                {
                    await _saver.Save();
                }
            }
        }
        catch (ClusterException exception)
        {
            LogNotReviewed(_logger, exception, exception.Code);
        }
        finally
        {
            _reviewing = false;
        }
    }

    private bool Forget(FleetOutline fleet)
    {
        var there = Parts(fleet).Select(part => KeyOf(part.Kind, part.Id)).ToHashSet();
        var now = _time.GetUtcNow();
        var forgotten = 0;
        foreach (var key in State.Entries.Keys)
        {
            if (!there.Contains(key) && State.Entries.Remove(key)) forgotten++;
        }
        foreach (var (cause, at) in State.Noticed)
        {
            if (at + NotificationPause <= now && State.Noticed.Remove(cause)) forgotten++;
        }
        return forgotten > 0;
    }

    /// <summary>What operators have to be told now; marked as told.</summary>
    /// <param name="next">When to look again; null: when something changes.</param>
    private List<Notification> Due(out DateTimeOffset? next)
    {
        var now = _time.GetUtcNow();
        var due = new List<Notification>();
        next = null;
        foreach (var (key, record) in State.Entries)
        {
            var entry = Now(record.Entry);
            if (NotificationText.NewsSince(entry, record.Told) is not { } at) continue;
            var cause = $"{key} {entry.State}";
            if (State.Noticed.TryGetValue(cause, out var last) && last + NotificationPause > at) at = last + NotificationPause;
            if (at > now)
            {
                if (next is null || at < next) next = at;
                continue;
            }
            State.Noticed[cause] = now;
            record.Told = entry.State;
            due.Add(new Notification(entry, now, NotificationText.Of(entry)));
        }
        return due;
    }

    private void ReviewAt(DateTimeOffset? at)
    {
        _timer?.Dispose();
        _timer = null;
        if (at is null) return;
        var wait = at.Value - _time.GetUtcNow();
        _timer = this.StartTimer(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan, _ =>
        {
            StartReview();
            return Task.CompletedTask;
        });
    }

    /// <summary>An entry as it stands now: cooling passes by itself.</summary>
    private HealthEntry Now(HealthEntry entry) => entry is { State: HealthState.Cooling, Until: { } until } && until <= _time.GetUtcNow()
        ? entry with { State = HealthState.Ok, Reason = null, Code = null, Since = until, Until = null }
        : entry;

    private static IEnumerable<(HealthKind Kind, string Id)> Parts(FleetOutline fleet) =>
    [
        .. fleet.Bots.Order(StringComparer.Ordinal).Select(id => (HealthKind.Bot, id)),
        .. fleet.Accounts.Order(StringComparer.Ordinal).Select(id => (HealthKind.Account, id)),
        .. fleet.Listeners.Order(StringComparer.Ordinal).Select(id => (HealthKind.Listener, id)),
    ];

    private static string KeyOf(HealthKind kind, string id) => $"{kind}/{id}";

    [LoggerMessage(1302, LogLevel.Warning, "What operators have to be told could not be worked out: {Code}")]
    private static partial void LogNotReviewed(ILogger logger, Exception exception, ErrorCode code);
}
