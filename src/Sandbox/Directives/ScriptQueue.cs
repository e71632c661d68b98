namespace CozeCluster.Sandbox;

/// <summary>
/// Scripts that a control call sets for the next replies. Directives with a count are used first, in order; afterwards the default
/// script is used. Thread-safe.
/// </summary>
internal sealed class ScriptQueue<TScript>
{
    private readonly DirectiveParser<TScript> _parser;
    private readonly TScript _initial;
    private readonly Lock _gate = new();
    private readonly CountedQueue<string> _next = new();
    private TScript _default;

    /// <param name="parser">Parses the directives.</param>
    /// <param name="initial">The default script at the start and after <see cref="Clear"/>.</param>
    public ScriptQueue(DirectiveParser<TScript> parser, TScript initial) => (_parser, _initial, _default) = (parser, initial, initial);

    /// <summary>Adds directives for the next <paramref name="times"/> replies. Null changes the default script instead.</summary>
    /// <exception cref="DirectiveException">A directive is unknown or its value is invalid.</exception>
    public void Add(string directives, int? times)
    {
        lock (_gate)
        {
            var parsed = _parser.Parse(directives, _default);
            if (times is { } count) _next.Add(directives, count);
            else _default = parsed;
        }
    }

    /// <summary>Takes the script of the next reply. The directives in its prompt are applied afterwards.</summary>
    public TScript Take()
    {
        lock (_gate) return _next.Take(_ => true) is { } directives ? _parser.Parse(directives, _default) : _default;
    }

    /// <summary>Removes all directives.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _next.Clear();
            _default = _initial;
        }
    }
}

/// <summary>Items that can be taken a given number of times, oldest first. Thread-safe.</summary>
internal sealed class CountedQueue<T>
    where T : class
{
    private readonly Lock _gate = new();
    private readonly List<(T Item, int Left)> _items = [];

    /// <summary>Adds an item that can be taken <paramref name="times"/> times, at least once.</summary>
    public void Add(T item, int times)
    {
        lock (_gate) _items.Add((item, times));
    }

    /// <summary>Takes the oldest item that matches, or null.</summary>
    public T? Take(Func<T, bool> matches)
    {
        lock (_gate)
        {
            for (var i = 0; i < _items.Count; i++)
            {
                var (item, left) = _items[i];
                if (!matches(item)) continue;
                if (left > 1) _items[i] = (item, left - 1);
                else _items.RemoveAt(i);
                return item;
            }
            return null;
        }
    }

    /// <summary>Removes all items.</summary>
    public void Clear()
    {
        lock (_gate) _items.Clear();
    }
}
