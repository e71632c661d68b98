using System.Text;

namespace CozeCluster.Upstreams.Tests;

/// <summary>A reply log that records everything it receives.</summary>
internal sealed class RecordingSink : IReplySink
{
    private readonly List<(string Id, TextKind Kind, StringBuilder Text)> _texts = [];

    public List<ReplyItem> Items { get; } = [];
    public List<UpstreamHandle> Handles { get; } = [];
    public List<string> Closed { get; } = [];
    public List<string> Rewrites { get; } = [];

    /// <summary>Text parts and items in the order in which they appeared, as <c>answer:id</c>, <c>reasoning:id</c> or <c>item:id</c>.</summary>
    public List<string> Order { get; } = [];
    public Usage? Usage { get; private set; }
    public FinishReason? Finish { get; private set; }
    public Error? Failure { get; private set; }
    public int Ends { get; private set; }
    public int Appends { get; private set; }

    public IEnumerable<string> Answers => Texts(TextKind.Answer);

    public IEnumerable<string> Reasoning => Texts(TextKind.Reasoning);

    public string Answer => Assert.Single(Answers);

    public IReadOnlyDictionary<string, string> Ids => Handles[^1].Ids;

    public bool HasOpenText => _texts.Exists(text => text.Text.Length > 0 && !Closed.Contains(text.Id));

    public int GetLength(int part) => _texts[part].Text.Length;

    public int Open(string messageId, TextKind kind)
    {
        var known = _texts.FindIndex(text => text.Id == messageId && text.Kind == kind);
        if (known >= 0) return known;
        _texts.Add((messageId, kind, new StringBuilder()));
        Order.Add($"{kind.ToString().ToLowerInvariant()}:{messageId}");
        return _texts.Count - 1;
    }

    public void Append(int part, ReadOnlySpan<char> delta)
    {
        Appends++;
        _texts[part].Text.Append(delta);
    }

    public void Set(int part, ReadOnlySpan<char> whole)
    {
        var text = _texts[part].Text;
        if (!whole.StartsWith(text.ToString())) Rewrites.Add(text.ToString());
        text.Clear().Append(whole);
    }

    public void Close(int part) => Closed.Add(_texts[part].Id);

    public void Add(ReplyItem item)
    {
        if (Items.Exists(known => known.Id == item.Id)) return;
        Items.Add(item);
        Order.Add($"item:{item.Id}");
    }

    public void Identify(UpstreamHandle handle) => Handles.Add(handle);

    public void SetUsage(Usage usage) => Usage = usage;

    public void Complete(FinishReason reason)
    {
        Ends++;
        Finish = reason;
    }

    public void Fail(Error error)
    {
        Ends++;
        Failure = error;
    }

    public async Task ReadAll(IExchange exchange)
    {
        while (await exchange.WaitToRead(TestContext.Current.CancellationToken)) exchange.Read(this);
    }

    /// <summary>Reads until the exchange throws.</summary>
    public async Task<ClusterException> ReadUntilBroken(IExchange exchange) => await Assert.ThrowsAsync<ClusterException>(() => ReadAll(exchange));

    private IEnumerable<string> Texts(TextKind kind) => _texts.Where(text => text.Kind == kind).Select(text => text.Text.ToString());
}
