using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Orleans.Serialization.Invocation;

namespace CozeCluster.Engine.Orleans;

/// <summary>
/// The observers of this process. Orleans knows only the hub; an observer's reference is the hub's with a number behind it. So observers come and go without Orleans'
/// hearing of it, and what many of them are told crosses the network in one call.
/// </summary>
internal sealed class ObserverHub(IGrainFactory factory, OrleansEngineOptions options, TimeProvider time) : IObserverHub
{
    private const byte Separator = (byte)'+';

    private readonly ConcurrentDictionary<long, IObserver> _observers = new();
    private readonly ConcurrentDictionary<long, Task<Response>> _unanswered = new();
    private readonly Lock _gate = new();
    private IObserverHub? _reference;
    private long _lastNumber;
    private long _lastTicket;

    /// <summary>Whether a hub is this one.</summary>
    public bool Is(GrainId hub) => _reference?.GetGrainId() == hub;

    /// <summary>Has an observer take calls.</summary>
    /// <returns>How it is known to other processes.</returns>
    public GrainId Add(IObserver observer)
    {
        var hub = (_reference ?? Register()).GetGrainId();
        var number = Interlocked.Increment(ref _lastNumber);
        _observers[number] = observer;
        return GrainId.Create(hub.Type, IdSpan.Create(string.Create(CultureInfo.InvariantCulture, $"{hub.Key}{(char)Separator}{number}")));
    }

    /// <summary>Has an observer take no more calls.</summary>
    public void Remove(GrainId observer) => _observers.TryRemove(NumberOf(observer.Key), out _);

    /// <summary>The hub that an observer belongs to.</summary>
    public static GrainId HubOf(GrainId observer)
    {
        var key = observer.Key.AsSpan();
        return GrainId.Create(observer.Type, IdSpan.Create(Encoding.UTF8.GetString(key[..key.LastIndexOf(Separator)])));
    }

    /// <summary>The number that an observer has in its hub.</summary>
    public static long NumberOf(IdSpan observer)
    {
        var key = observer.AsSpan();
        return long.Parse(key[(key.LastIndexOf(Separator) + 1)..], CultureInfo.InvariantCulture);
    }

    public ValueTask<ObserverAnswer[]> Deliver(ObserverCall[] calls)
    {
        var answers = new ObserverAnswer[calls.Length];
        for (var i = 0; i < calls.Length; i++) answers[i] = Call(calls[i]);
        return new(answers);
    }

    public async ValueTask<ObserverAnswer> Collect(long ticket)
    {
        if (!_unanswered.TryGetValue(ticket, out var answer)) return new(Gone(), 0);
        return new(await answer, 0);
    }

    private ObserverAnswer Call(ObserverCall call)
    {
        if (!_observers.TryGetValue(call.Observer, out var observer)) return new(Gone(), 0);
        call.Request.SetTarget(new Target(observer));
        var answer = call.Request.Invoke();
        if (answer.IsCompletedSuccessfully) return new(ForCaller(answer.Result), 0);
        var ticket = Interlocked.Increment(ref _lastTicket);
        _unanswered[ticket] = Answer(ticket, answer);
        return new(null, ticket);
    }

    /// <summary>Completes with the answer; it can be asked for until then, and for as long as somebody may ask.</summary>
    private async Task<Response> Answer(long ticket, ValueTask<Response> answer)
    {
        var response = ForCaller(await answer);
        _ = Forget();
        return response;

        async Task Forget()
        {
            await Task.Delay(options.ObserverTimeout, time, CancellationToken.None);
            _unanswered.TryRemove(ticket, out _);
        }
    }

    private IObserverHub Register()
    {
        lock (_gate) return _reference ??= factory.CreateObjectReference<IObserverHub>(this);
    }

    private static Response ForCaller(Response response) => response.Exception is { } error ? Response.FromException(Failure.Translate(error)) : response;

    private static Response Gone() => Response.FromException(new ClusterException(ErrorCode.EngineRejected, "Nobody observes any more."));

    private sealed class Target(IObserver observer) : ITargetHolder
    {
        public object GetTarget() => observer;

        public object? GetComponent(Type componentType) => null;
    }
}
