using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace CozeCluster.Deploy.Tests;

/// <summary>A value in a YAML file: a scalar, a list or a map. A missing value has no text, no items and no entries.</summary>
internal sealed class Yaml
{
    private readonly object? _value;

    private Yaml(object? value) => _value = value;

    /// <summary>All documents of a file, with merge keys resolved.</summary>
    public static IReadOnlyList<Yaml> Documents(string path)
    {
        // A key that overrides a merged one looks like a duplicate, so the first read checks for duplicate keys without merging.
        Read(new Parser(new StringReader(Files.Read(path))), new DeserializerBuilder().WithDuplicateKeyChecking().Build());
        return Read(new MergingParser(new Parser(new StringReader(Files.Read(path)))), new DeserializerBuilder().Build());
    }

    public static Yaml Document(string path) => Assert.Single(Documents(path));

    public Yaml this[string key] => new(_value is IDictionary<object, object?> map && map.TryGetValue(key, out var value) ? value : null);

    public bool Exists => _value is not null;

    public string Text => _value as string ?? "";

    public int Number => int.Parse(Text, CultureInfo.InvariantCulture);

    public IReadOnlyList<Yaml> Items => _value is IList<object?> list ? [.. list.Select(item => new Yaml(item))] : [];

    public IReadOnlyDictionary<string, Yaml> Map =>
        _value is IDictionary<object, object?> map ? map.ToDictionary(pair => (string)pair.Key, pair => new Yaml(pair.Value)) : new Dictionary<string, Yaml>();

    /// <summary>This value and all values inside it.</summary>
    public IEnumerable<Yaml> All => Items.Concat(Map.Values).SelectMany(inner => inner.All).Prepend(this);

    private static List<Yaml> Read(IParser parser, IDeserializer deserializer)
    {
        var documents = new List<Yaml>();
        parser.Consume<StreamStart>();
        while (!parser.Accept<StreamEnd>(out _)) documents.Add(new Yaml(deserializer.Deserialize<object?>(parser)));
        return documents;
    }

    public override string ToString() => _value is null or string
        ? Text
        : string.Join(", ", Items.Count > 0 ? Items.Select(item => $"{item}") : Map.Select(pair => $"{pair.Key}: {pair.Value}"));
}
