using System.Collections;
using System.Reflection;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>Compares messages deeply. Records compare their lists and texts by reference, which is useless after a round trip.</summary>
internal static class Same
{
    public static void Assert(object? expected, object? actual, string path)
    {
        switch (expected)
        {
            case null or string or IConvertible or DateTimeOffset or TimeSpan or CozeCluster.Cursor:
                Xunit.Assert.True(Equals(expected, actual), $"{path}: expected {expected ?? "null"}, was {actual ?? "null"}");
                break;
            case ReadOnlyMemory<char> text:
                Xunit.Assert.Equal(text.ToString(), actual?.ToString());
                break;
            case IReadOnlyDictionary<string, string> map:
                var other = Xunit.Assert.IsType<IReadOnlyDictionary<string, string>>(actual, exactMatch: false);
                Xunit.Assert.Equal(map.OrderBy(pair => pair.Key), other.OrderBy(pair => pair.Key));
                break;
            case IEnumerable list:
                Xunit.Assert.True(actual is IEnumerable, $"{path}: expected a list, was {actual ?? "null"}");
                var (left, right) = (list.Cast<object?>().ToList(), ((IEnumerable)actual!).Cast<object?>().ToList());
                Xunit.Assert.True(left.Count == right.Count, $"{path}: expected {left.Count} items, were {right.Count}");
                foreach (var (i, item) in left.Index()) Assert(item, right[i], $"{path}[{i}]");
                break;
            default:
                var (type, actualType) = (expected.GetType(), actual?.GetType());
                Xunit.Assert.True(type == actualType, $"{path}: expected {type.Name}, was {actualType?.Name ?? "null"}");
                foreach (var property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public))
                {
                    Assert(property.GetValue(expected), property.GetValue(actual), $"{path}.{property.Name}");
                }
                break;
        }
    }
}
