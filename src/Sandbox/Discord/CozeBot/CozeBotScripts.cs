namespace CozeCluster.Sandbox.Discord;

/// <summary>Directives given from outside for the replies to come: those with a count first, in order, then the standing ones.</summary>
internal sealed class CozeBotScripts
{
    private readonly Lock _gate = new();
    private readonly LinkedList<(string Directives, int Left)> _next = [];
    private CozeBotScript _standing = CozeBotScript.Default;

    /// <exception cref="FormatException">A directive cannot be followed.</exception>
    public void Add(string directives, int? times)
    {
        lock (_gate)
        {
            var parsed = CozeBotDirectives.Parse(directives, _standing);
            if (times is { } count) _next.AddLast((directives, count));
            else _standing = parsed;
        }
    }

    public CozeBotScript Take()
    {
        lock (_gate)
        {
            if (_next.First is not { } first) return _standing;
            var (directives, left) = first.Value;
            if (left > 1) first.Value = (directives, left - 1);
            else _next.RemoveFirst();
            return CozeBotDirectives.Parse(directives, _standing);
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _next.Clear();
            _standing = CozeBotScript.Default;
        }
    }
}
