using CozeCluster.Upstreams.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>From Coze's message ids to parts of the reply. Finding a part again allocates nothing.</summary>
internal sealed class CozeReplyTexts
{
    private const int None = -1;

    private readonly List<Message> _messages = [];
    private Message? _last;
    private Message? _nameless;
    private int _namelessCount;

    /// <summary>The part of that message and kind, opened at first sight.</summary>
    public int Part(JsonText id, TextKind kind, IReplySink sink)
    {
        var message = Find(id);
        if (kind == TextKind.Answer)
        {
            if (message.Answer == None) message.Answer = sink.Open(message.Id, TextKind.Answer);
            return message.Answer;
        }
        if (message.Reasoning == None) message.Reasoning = sink.Open(message.Id, TextKind.Reasoning);
        return message.Reasoning;
    }

    /// <summary>A completed message is at hand. If its deltas came without an id, they were its own.</summary>
    public void Adopt(JsonText id)
    {
        if (id.IsEmpty || _nameless is null || Known(id) is not null) return;
        _nameless.Key = id.Raw.ToArray();
        _messages.Add(_nameless);
        _nameless = null;
    }

    /// <summary>A message is complete, and so are its parts. If it has no id, the next one without is another.</summary>
    public void Complete(JsonText id, IReplySink sink)
    {
        if ((id.IsEmpty ? _nameless : Known(id)) is not { } message) return;
        if (message.Reasoning != None) sink.Close(message.Reasoning);
        if (message.Answer != None) sink.Close(message.Answer);
        if (id.IsEmpty) _nameless = null;
    }

    private Message Find(JsonText id)
    {
        if (id.IsEmpty) return _nameless ??= new Message([], $"answer-{_namelessCount++}");
        if (Known(id) is { } known) return known;
        _last = new Message(id.Raw.ToArray(), id.ToString());
        _messages.Add(_last);
        return _last;
    }

    private Message? Known(JsonText id)
    {
        if (_last is not null && id.Is(_last.Key)) return _last;
        foreach (var message in _messages)
        {
            if (id.Is(message.Key)) return _last = message;
        }
        return null;
    }

    private sealed class Message(byte[] key, string id)
    {
        /// <summary>The id as it comes over the wire.</summary>
        public byte[] Key { get; set; } = key;

        public string Id { get; } = id;

        public int Answer { get; set; } = None;

        public int Reasoning { get; set; } = None;
    }
}
