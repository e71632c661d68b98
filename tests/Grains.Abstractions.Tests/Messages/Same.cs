using System.Collections;
using System.Reflection;

namespace CozeCluster.Grains.Abstractions.Tests.Messages;

/// <summary>Deep equality of messages: records compare their lists and text slices by reference, which says nothing after a round trip.</summary>
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
                Xunit.Assert.Equal(map.OrderBy(pair => pair.Key), Xunit.Assert.IsType<IReadOnlyDictionary<string, string>>(actual, exactMatch: false).OrderBy(pair => pair.Key));
                break;
            case IEnumerable list:
                Xunit.Assert.True(actual is IEnumerable, $"{path}: expected a list, was {actual ?? "null"}");
                var (left, right) = (list.Cast<object?>().ToList(), ((IEnumerable)actual!).Cast<object?>().ToList());
                Xunit.Assert.True(left.Count == right.Count, $"{path}: expected {left.Count} items, were {right.Count}");
                foreach (var (i, item) in left.Index()) Assert(item, right[i], $"{path}[{i}]");
                break;
            default:
                Xunit.Assert.True(expected.GetType() == actual?.GetType(), $"{path}: expected {expected.GetType().Name}, was {actual?.GetType().Name ?? "null"}");
                foreach (var property in expected.GetType().GetProperties(BindingFlags.Instance | BindingFlags.Public))
                {
                    Assert(property.GetValue(expected), property.GetValue(actual), $"{path}.{property.Name}");
                }

                break;
        }
    }
}
