using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using CozeCluster.Messages;

namespace CozeCluster.Engine.Orleans;

/// <summary>A message, or a list of messages, as written on the wire.</summary>
internal sealed class MessageType(string name, JsonTypeInfo json)
{
    public JsonTypeInfo Json { get; } = json;

    public byte[] Utf8Name { get; } = Encoding.UTF8.GetBytes(name);
}

/// <summary>Which types are messages: those of the messages' namespace that <see cref="MessagesJson"/> knows, and read-only lists of them.</summary>
internal sealed class MessageTypes
{
    private readonly FrozenDictionary<string, MessageType> _byName;
    private readonly FrozenDictionary<Type, MessageType> _byType;
    private readonly FrozenDictionary<string, MessageType>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly ConcurrentDictionary<Type, MessageType?> _resolved = new();

    public MessageTypes()
    {
        var byName = new Dictionary<string, MessageType>();
        var byType = new Dictionary<Type, MessageType>();
        foreach (var type in typeof(MessagesJson).Assembly.GetTypes().Where(t => t.Namespace == typeof(MessagesJson).Namespace && !t.IsEnum))
        {
            Add(type, type.Name);
            if (!type.ContainsGenericParameters && !(type.IsAbstract && type.IsSealed) && !type.IsByRefLike) Add(typeof(IReadOnlyList<>).MakeGenericType(type), type.Name + "[]");
        }
        Add(typeof(IReadOnlyList<string>), "string[]");
        _byName = byName.ToFrozenDictionary();
        _byType = byType.ToFrozenDictionary();
        _lookup = _byName.GetAlternateLookup<ReadOnlySpan<char>>();

        void Add(Type type, string name)
        {
            if (type.ContainsGenericParameters || MessagesJson.Default.GetTypeInfo(type) is not { } json) return;
            byType.Add(type, byName[name] = new MessageType(name, json));
        }
    }

    /// <summary>The message type of an object's or a parameter's type; null for what is none.</summary>
    public MessageType? Find(Type type) => _byType.TryGetValue(type, out var known) ? known : _resolved.GetOrAdd(type, Resolve);

    /// <summary>The message type of a name.</summary>
    public MessageType? Find(ReadOnlySpan<byte> utf8Name)
    {
        Span<char> name = stackalloc char[byte.MaxValue];
        return _lookup.TryGetValue(name[..Encoding.UTF8.GetChars(utf8Name, name)], out var type) ? type : null;
    }

    // Derived messages are written as their base, which tells them apart; lists of any make as the read-only list they are passed as.
    private MessageType? Resolve(Type type)
    {
        for (var b = type.BaseType; b is not null; b = b.BaseType)
        {
            if (_byType.TryGetValue(b, out var known)) return known;
        }
        return type.GetInterfaces().Select(i => _byType.GetValueOrDefault(i)).FirstOrDefault(t => t is not null);
    }
}
