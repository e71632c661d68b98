namespace CozeCluster.Sandbox.Coze.Scripts;

/// <summary>Directives given from outside for the chats to come: those with a count first, in order, then the standing ones.</summary>
internal sealed class ScriptStore
{
    private readonly ChatScript _start;
    private readonly Lock _gate = new();
    private readonly LinkedList<(string Directives, int Left)> _next = new();
    private ChatScript _standing;

    public ScriptStore(ChatScript start) => _start = _standing = start;

    /// <summary>Adds directives for the next <paramref name="times"/> chats, or lays them over the standing script.</summary>
    /// <exception cref="ScriptException">They cannot be followed.</exception>
    public void Add(string directives, int? times)
    {
        lock (_gate)
        {
            var parsed = ScriptParser.Parse(directives, _standing);
            if (times is { } count) _next.AddLast((directives, count));
            else _standing = parsed;
        }
    }

    /// <summary>The script of the next chat, before its prompt is read.</summary>
    public ChatScript Take()
    {
        lock (_gate)
        {
            if (_next.First is not { } first) return _standing;
            var next = first.Value;
            if (next.Left > 1) first.Value = (next.Directives, next.Left - 1);
            else _next.RemoveFirst();
            return ScriptParser.Parse(next.Directives, _standing);
        }
    }

    public void Reset()
    {
        lock (_gate)
        {
            _next.Clear();
            _standing = _start;
        }
    }
}
